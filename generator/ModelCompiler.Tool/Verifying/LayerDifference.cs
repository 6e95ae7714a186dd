namespace ModelCompiler.Tool.Verifying;

/// <summary>
/// How far the keys and values that a layer put into the cache are apart, relative L2 over all positions. They follow from all layers before and
/// from this layer's norm, projections and rotation: the first layer that is off names the place, which is there or in the layer before.
/// </summary>
/// <param name="Layer">From 0.</param>
/// <param name="Keys">Relative difference.</param>
/// <param name="Values">Relative difference.</param>
/// <param name="Tolerance">What float arithmetic explains.</param>
internal sealed record LayerDifference(int Layer, double Keys, double Values, double Tolerance)
{
    /// <summary>The larger of both.</summary>
    public double Relative => Math.Max(Keys, Values);

    /// <summary>More than that, or no number.</summary>
    public bool IsApart => !(Relative <= Tolerance);

    /// <summary>All layers of two runs.</summary>
    public static LayerDifference[] Of(IReadOnlyList<LayerCache> first, IReadOnlyList<LayerCache> second, double tolerance)
        => [.. first.Select((cache, layer) => new LayerDifference(layer, RelativeOf(cache.Keys, second[layer].Keys), RelativeOf(cache.Values, second[layer].Values), tolerance))];

    /// <summary>The worst of both, layer by layer; the first may be empty.</summary>
    public static LayerDifference[] Worst(LayerDifference[] a, LayerDifference[] b)
        => a.Length == 0 ? b : [.. a.Zip(b, (x, y) => x with { Keys = Math.Max(x.Keys, y.Keys), Values = Math.Max(x.Values, y.Values) })];

    private static double RelativeOf(float[] a, float[] b)
    {
        (double errors, double squares) = (0, 0);
        for (int i = 0; i < a.Length; i++)
        {
            double error = (double)a[i] - b[i];
            errors += error * error;
            squares += (double)b[i] * b[i];
        }

        return LogitsComparison.Ratio(errors, squares);
    }
}

/// <summary>Keys and values of a layer, each [kvHeads × positions × headDim].</summary>
internal sealed record LayerCache(float[] Keys, float[] Values);
