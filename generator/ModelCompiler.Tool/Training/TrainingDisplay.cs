using System.Globalization;
using ModelCompiler.Runtime.Training;
using ModelCompiler.Tool.Commands;
using Spectre.Console;

namespace ModelCompiler.Tool.Training;

/// <summary>
/// Shows on standard error how a training goes: a bar with the last numbers where a person watches, and lines, one for each look at the held-out text and one
/// every half minute between, where nobody does.
/// </summary>
internal sealed class TrainingDisplay
{
    private static readonly TimeSpan Between = TimeSpan.FromSeconds(30);

    /// <summary>The first step says little of the time that is left.</summary>
    private static readonly TimeSpan BeforeFirst = TimeSpan.FromSeconds(2);

    private readonly IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) });
    private ProgressTask? task;
    private DateTime next;
    private HeldOutLoss? validation;

    /// <summary>Runs <paramref name="train"/> with the bar on, where there is one.</summary>
    public void During(long steps, Action train)
    {
        next = DateTime.UtcNow + BeforeFirst;
        if (Console.IsErrorRedirected)
        {
            train();
            return;
        }

        console.Progress().AutoClear(true).Columns(new ProgressBarColumn(), new PercentageColumn(), new TaskDescriptionColumn { Alignment = Justify.Left }).Start(bars =>
        {
            task = bars.AddTask("…", maxValue: steps);
            train();
        });
    }

    /// <summary>Shows a step.</summary>
    public void Show(TrainingProgress step)
    {
        validation = step.Validation ?? validation;
        if (task is not null)
        {
            task.Value = step.Step;
            task.Description = Markup.Escape(Describe(step));
        }

        bool due = DateTime.UtcNow >= next || step.Step == step.Steps;
        if (step.Validation is not null || (due && task is null))
        {
            next = DateTime.UtcNow + Between;
            Say(string.Create(CultureInfo.InvariantCulture, $"step {step.Step} of {step.Steps}: {Describe(step)}"));
        }
    }

    /// <summary>Writes a line, above the bar if there is one.</summary>
    public void Say(string line)
    {
        if (task is null)
        {
            Output.Tell(line);
        }
        else
        {
            console.WriteLine(line);
        }
    }

    private string Describe(TrainingProgress step)
    {
        string looked = validation is { } found ? string.Create(CultureInfo.InvariantCulture, $", validation {found.Mean:F4}") : "";
        return string.Create(CultureInfo.InvariantCulture, $"loss {step.Loss:F4}{looked}, {step.TokensPerSecond:N0} tokens/s, {Left(step.Remaining)} left, gradient {step.GradientNorm:F2}, rate {step.LearningRate:G3}");
    }

    private static string Left(TimeSpan time) => time.TotalHours >= 1
        ? string.Create(CultureInfo.InvariantCulture, $"{(long)time.TotalHours}:{time:mm\\:ss}")
        : time.ToString(@"m\:ss", CultureInfo.InvariantCulture);
}
