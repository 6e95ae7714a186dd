using ModelCompiler.Tool.Hosting;
using ScottPlot;

namespace ModelCompiler.Tool.Training;

/// <summary>The losses of a training as a picture, loss.svg.</summary>
internal static class LossCurve
{
    private const int Width = 900;
    private const int Height = 500;

    // More points than pixels make a large file of the same picture.
    private const int MostPoints = 600;

    /// <summary>Draws the losses of all steps, averaged where they are many, and of the held-out text.</summary>
    public static void Write(string path, IReadOnlyList<TrainingLogEntry> entries)
    {
        using Plot plot = new();
        int run = Math.Max(1, (entries.Count + MostPoints - 1) / MostPoints);
        TrainingLogEntry[][] runs = [.. entries.Chunk(run)];
        var training = plot.Add.ScatterLine(
            runs.Select(steps => steps.Average(step => step.Step)).ToArray(), runs.Select(steps => steps.Average(step => step.Loss)).ToArray());
        training.LegendText = "loss";
        TrainingLogEntry[] looked = [.. entries.Where(entry => entry.Validation is not null)];
        if (looked.Length > 0)
        {
            var heldOut = plot.Add.Scatter(looked.Select(entry => (double)entry.Step).ToArray(), looked.Select(entry => entry.Validation!.Value).ToArray());
            heldOut.LegendText = "validation loss";
        }

        plot.XLabel("step");
        plot.YLabel("nats for each token");
        plot.ShowLegend(Alignment.UpperRight);
        WholeFile.Write(path, plot.GetSvgXml(Width, Height));
    }
}
