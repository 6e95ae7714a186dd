using ModelCompiler.Compare.Inputs;

namespace ModelCompiler.Compare.Engines;

/// <summary>
/// A program that runs models and tells how fast. A new one is a class here, a property for its file in <see cref="SpeedPair"/>, and its place in
/// <see cref="CompareCommand"/>'s list: it gets rounds and columns like the others.
/// </summary>
internal interface IEngine
{
    /// <summary>As the table's heading calls it.</summary>
    string Name { get; }

    /// <summary>What it calls this pair's weights, or null when it has no file for it.</summary>
    string? FormatOf(SpeedPair pair);

    /// <summary>Whatever must be done once before it can be measured.</summary>
    /// <exception cref="CompareException">A file is missing.</exception>
    void Prepare(SpeedPair pair, CancellationToken cancellation);

    /// <summary>One round.</summary>
    /// <exception cref="CompareException">The program fails, or says what cannot be read.</exception>
    Measured Measure(SpeedPair pair, Lengths lengths, CancellationToken cancellation);
}
