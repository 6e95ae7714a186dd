namespace HandBuiltModel;

/// <summary>All that the hand-built model knows: sentences written for it. At most five tokens must tell how a sentence goes on.</summary>
public static class Corpus
{
    public static IReadOnlyList<string> English { get; } =
    [
        "The cat sleeps on the warm roof of the old house.",
        "The cat watches the birds in the garden.",
        "The dog runs along the river every morning.",
        "The dog guards the old house at night.",
        "The birds sing in the garden every morning.",
        "A fox walks through the snow without a sound.",
        "A white horse drinks from the river at night.",
        "A small fish swims under the bridge.",
        "The goldsmith melts the gold over a small fire.",
        "The goldsmith makes a ring for the queen.",
        "The queen wears a gold ring and a silver chain.",
        "A gold chain is soft, but a steel chain is strong.",
        "A silver ring lies in a wooden box.",
        "The robot folds its arms and becomes a car.",
        "The robot opens its wings and becomes a bird.",
        "The small robot becomes a red truck, and the big robot becomes a blue plane.",
        "A robot that becomes a boat can cross the river.",
        "When the robot sleeps, it becomes a steel box.",
        "The capital of France is Paris.",
        "The capital of China is Beijing.",
        "The capital of Japan is Tokyo.",
        "The capital of Italy is Rome.",
        "The capital of Egypt is Cairo.",
        "In the city the old bridge crosses the river.",
        "In the mountains the snow lies until summer.",
        "In the morning the sea is calm, and at night it is dark.",
    ];

    public static IReadOnlyList<string> Chinese { get; } =
    [
        "小猫在屋顶上睡觉。",
        "小猫看着花园里的小鸟。",
        "小狗每天早上在河边跑步。",
        "小狗晚上看着老房子。",
        "小鸟早上在花园里唱歌。",
        "小鱼在桥下游来游去。",
        "一只白马在河边喝水。",
        "一只狐狸走过雪地，没有声音。",
        "金匠在小火上熔化黄金。",
        "金匠给女王做了一枚戒指。",
        "女王戴着金戒指和银项链。",
        "黄金很软，钢铁很硬。",
        "银戒指放在木盒子里。",
        "机器人收起手臂，变成一辆汽车。",
        "机器人张开翅膀，变成一只大鸟。",
        "小机器人变卡车，大机器人变飞机。",
        "会变成小船的机器人可以过河。",
        "机器人睡觉的时候，变成一个铁盒子。",
        "法国首都是巴黎。",
        "中国首都是北京。",
        "日本首都是东京。",
        "意大利首都是罗马。",
        "埃及首都是开罗。",
        "在老城里，桥下有河水。",
        "在山上，雪到夏天才化。",
        "早上的大海很安静。",
    ];

    /// <summary>English first.</summary>
    public static IEnumerable<string> Sentences => English.Concat(Chinese);
}
