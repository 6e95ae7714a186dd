using ModelCompiler.Runtime.Files;
using OxyPlot;
using OxyPlot.Axes;
using OxyPlot.Legends;
using OxyPlot.Series;

namespace ModelCompiler.Tool.Training;

/// <summary>The losses of a training as a picture, loss.svg.</summary>
/// <remarks>OxyPlot draws SVG without a native library, of which ScottPlot's (Skia) would be carried for each system.</remarks>
internal static class LossCurve
{
    private const int Width = 900;
    private const int Height = 500;

    // More points than pixels make a large file of the same picture.
    private const int MostPoints = 600;

    /// <summary>Draws the losses of all steps, averaged where they are many, and of the held-out text.</summary>
    public static void Write(string path, IReadOnlyList<TrainingLogEntry> entries)
    {
        PlotModel plot = new() { Background = OxyColors.White };
        plot.Axes.Add(new LinearAxis { Position = AxisPosition.Bottom, Title = "step", MajorGridlineStyle = LineStyle.Solid, MajorGridlineColor = OxyColors.LightGray });
        plot.Axes.Add(new LinearAxis { Position = AxisPosition.Left, Title = "nats for each token", MajorGridlineStyle = LineStyle.Solid, MajorGridlineColor = OxyColors.LightGray });
        plot.Legends.Add(new Legend { LegendPosition = LegendPosition.RightTop });
        int run = Math.Max(1, (entries.Count + MostPoints - 1) / MostPoints);
        plot.Series.Add(Line("loss", OxyColors.SteelBlue, entries.Chunk(run).Select(steps => new DataPoint(steps.Average(step => step.Step), steps.Average(step => step.Loss)))));
        DataPoint[] heldOut = [.. entries.Where(entry => entry.Validation is not null).Select(entry => new DataPoint(entry.Step, entry.Validation!.Value))];
        if (heldOut.Length > 0)
        {
            plot.Series.Add(Line("validation loss", OxyColors.OrangeRed, heldOut));
        }

        WholeFile.Write(path, stream => new SvgExporter { Width = Width, Height = Height, TextMeasurer = new Pixels() }.Export(plot, stream));
    }

    private static LineSeries Line(string title, OxyColor colour, IEnumerable<DataPoint> points)
    {
        LineSeries line = new() { Title = title, Color = colour };
        line.Points.AddRange(points);
        return line;
    }

    /// <summary>Measures text as a browser draws it: in pixels, where the exporter's own measure is in points, a quarter less, and with room for wider letters than Arial's: labels would be cut off.</summary>
    private sealed class Pixels() : PdfRenderContext(Width, Height, OxyColors.White)
    {
        public override OxySize MeasureText(string text, string fontFamily, double fontSize, double fontWeight)
        {
            OxySize points = base.MeasureText(text, fontFamily, fontSize, fontWeight);
            return new(points.Width * 3 / 2, points.Height * 4 / 3);
        }
    }
}
