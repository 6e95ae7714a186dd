using ModelCompiler.Compiler.Formats;
using ModelCompiler.Compiler.Graph;
using ModelCompiler.Compiler.Plan;

namespace ModelCompiler.Compiler.Reference;

/// <summary>
/// How an engine rounded a sequence. A number in the middle between two that the format has goes one way in float32 and the other in double precision, and both are right: there, and only there,
/// the reference rounds as the engine did, so that whatever else is between the two is a fault. "In the middle" is within <see cref="Tie"/>; what the engine rounded another way farther from it
/// is counted as <see cref="Wrong"/>, and the reference goes its own way.
/// </summary>
public sealed class RoundingWitness
{
    /// <summary>
    /// What a float32 engine may be from the reference, so that nothing passes here that would not where nothing is rounded. For inputs a part of the root mean square of their group: where
    /// a gate is near zero, a number's error is that of its neighbours. For keys and values, of which single channels may be a hundred times the others, a part of the number itself or, where that is
    /// more, of the median of its group.
    /// </summary>
    public const double Tie = 2e-5;

    private const double Levels = 127;
    private const float Smallest = 1e-30f;

    private readonly Dictionary<int, float[]> inputs = [];
    private readonly Dictionary<int, float[]> cached = [];
    private readonly Dictionary<int, double[]> taken = [];

    /// <summary>Numbers that were rounded.</summary>
    public long Rounded { get; private set; }

    /// <summary>Of these, how many the reference rounded as the engine did and would not have by itself.</summary>
    public long Followed { get; private set; }

    /// <summary>How far from the middle the farthest of these was, as <see cref="Tie"/> is measured.</summary>
    public double Farthest { get; private set; }

    /// <summary>How many the engine rounded another way although there was one right way.</summary>
    public long Wrong { get; private set; }

    /// <summary>What the engine was about to round to integers: a value [tokens × width as padded].</summary>
    public void AddInput(Value value, float[] numbers) => inputs[value.Id] = numbers;

    /// <summary>What the engine made of keys or values [kvHeads × tokens × headDim].</summary>
    public void AddCached(Value value, float[] numbers) => cached[value.Id] = numbers;

    /// <summary>Keys or values as they were rounded at last [tokens × kvHeads · headDim]; null: nobody rounded them.</summary>
    public double[]? Taken(Value value) => taken.TryGetValue(value.Id, out double[]? numbers) ? numbers : null;

    /// <summary>x [tokens × inputs] of a product, rounded in the groups in which the matrix pads it.</summary>
    /// <exception cref="InvalidOperationException">The engine did not say how it rounded this value.</exception>
    internal double[] RoundInput(Value value, double[] x, PackedMatrix matrix)
    {
        if (taken.TryGetValue(value.Id, out double[]? before))
        {
            return before; // the input of several products is rounded once
        }

        float[] seen = inputs.TryGetValue(value.Id, out float[]? found) ? found : throw new InvalidOperationException($"Nobody said how '{value.Name}' was rounded.");
        int tokens = x.Length / value.Width, seenWidth = seen.Length / tokens;
        float[] seenRow = new float[matrix.PaddedInputs];
        double[] rounded = ReferenceQuantise.Apply(x, value.Width, matrix, (token, group, numbers) =>
        {
            if (group == 0)
            {
                Array.Clear(seenRow, 0, seenRow.Length);
                Array.Copy(seen, token * seenWidth, seenRow, 0, Math.Min(seenWidth, seenRow.Length));
            }

            RoundGroup(numbers, seenRow.AsSpan(group, numbers.Length));
        });
        taken.Add(value.Id, rounded);
        return rounded;
    }

    /// <summary>Keys or values [tokens × kvHeads · headDim], rounded head by head.</summary>
    internal double[] RoundCached(Value value, double[] heads, int headDim, CacheFormat format)
    {
        float[] seen = cached.TryGetValue(value.Id, out float[]? found) ? found : throw new InvalidOperationException($"Nobody said how '{value.Name}' was rounded.");
        double[] rounded = ReferenceCache.Round(format, heads, headDim);
        double[] lower = ReferenceCache.Round(format, ReferenceElementwise.Scale(heads, 1 - Tie), headDim), upper = ReferenceCache.Round(format, ReferenceElementwise.Scale(heads, 1 + Tie), headDim);
        int kvHeads = value.Width / headDim, tokens = heads.Length / value.Width, group = format.GroupSize == 0 ? headDim : format.GroupSize;
        for (int row = 0; row < tokens * kvHeads; row++)
        {
            int seenRow = ((row % kvHeads * tokens) + (row / kvHeads)) * headDim;
            for (int first = 0; first < headDim; first += group)
            {
                int count = Math.Min(group, headDim - first), at = (row * headDim) + first;
                ChooseGroup(heads.AsSpan(at, count), seen.AsSpan(seenRow + first, count), rounded.AsSpan(at, count), lower.AsSpan(at, count), upper.AsSpan(at, count));
            }
        }

        taken[value.Id] = rounded;
        return rounded;
    }

    /// <summary>The engine's integers are those of its own numbers, by its own arithmetic.</summary>
    private void RoundGroup(Span<double> exact, ReadOnlySpan<float> seen)
    {
        double peak = Peak(exact), typical = RootMeanSquare(exact);
        float seenPeak = 0;
        foreach (float number in seen)
        {
            seenPeak = Math.Abs(number) > seenPeak || float.IsNaN(number) ? Math.Abs(number) : seenPeak;
        }

        float inverse = seenPeak < Smallest ? 0 : 127f / seenPeak;
        for (int i = 0; i < exact.Length; i++)
        {
            double steps = peak < Smallest ? 0 : exact[i] * (Levels / peak);
            double own = Math.Round(steps, MidpointRounding.ToEven), engine = Math.Round((double)seen[i] * inverse, MidpointRounding.ToEven);
            exact[i] = (engine == own ? Same(own) : Follows(FromMiddle(steps, engine, own) * (peak / Levels) / typical) ? engine : own) * (peak / Levels);
        }
    }

    /// <summary>
    /// A group's scale may itself have been in the middle, so its numbers may have been rounded with the one below or above. The engine is right where its numbers are as near to the exact
    /// ones as those of one of these three.
    /// </summary>
    private void ChooseGroup(ReadOnlySpan<double> exact, ReadOnlySpan<float> seen, Span<double> own, ReadOnlySpan<double> lower, ReadOnlySpan<double> upper)
    {
        double typical = Median(exact);
        ReadOnlySpan<double> near = IsAsNear(exact, seen, own, typical) ? own : IsAsNear(exact, seen, lower, typical) ? lower : IsAsNear(exact, seen, upper, typical) ? upper : own;
        for (int i = 0; i < own.Length; i++)
        {
            own[i] = seen[i] == own[i] ? Same(own[i]) : Follows(OfItsSize(exact[i], seen[i], near[i], typical)) ? seen[i] : own[i];
        }
    }

    private double Same(double number)
    {
        Rounded++;
        return number;
    }

    private bool Follows(double distance)
    {
        Rounded++;
        if (!(distance <= Tie))
        {
            Wrong++;
            return false;
        }

        Followed++;
        Farthest = Math.Max(Farthest, distance);
        return true;
    }

    /// <summary>From the middle m between two neighbours, |seen − x| − |own − x| = 2 |x − m|; of two that are no neighbours it is more.</summary>
    private static double FromMiddle(double exact, double seen, double own) => (Math.Abs(seen - exact) - Math.Abs(own - exact)) / 2;

    private static double OfItsSize(double exact, double seen, double own, double typical) => FromMiddle(exact, seen, own) / Math.Max(typical, Math.Abs(exact));

    private static bool IsAsNear(ReadOnlySpan<double> exact, ReadOnlySpan<float> seen, ReadOnlySpan<double> rounded, double typical)
    {
        for (int i = 0; i < exact.Length; i++)
        {
            if (seen[i] != rounded[i] && !(OfItsSize(exact[i], seen[i], rounded[i], typical) <= Tie))
            {
                return false;
            }
        }

        return true;
    }

    private static double Median(ReadOnlySpan<double> numbers)
    {
        double[] sorted = new double[numbers.Length];
        for (int i = 0; i < sorted.Length; i++)
        {
            sorted[i] = Math.Abs(numbers[i]);
        }

        Array.Sort(sorted);
        return sorted[sorted.Length / 2];
    }

    private static double RootMeanSquare(ReadOnlySpan<double> numbers)
    {
        double sum = 0;
        foreach (double number in numbers)
        {
            sum += number * number;
        }

        return Math.Sqrt(sum / numbers.Length);
    }

    private static double Peak(ReadOnlySpan<double> numbers)
    {
        double peak = 0;
        foreach (double number in numbers)
        {
            peak = Math.Max(peak, Math.Abs(number));
        }

        return peak;
    }
}
