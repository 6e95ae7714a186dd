namespace ModelCompiler.Compiler.Plan;

/// <summary>A piece of memory that is needed from one operation to another, both included.</summary>
internal interface IRegion
{
    int FirstUse { get; }

    int LastUse { get; }
}

/// <summary>First fit over live intervals. A region's memory is free for operations after its last use.</summary>
internal static class RegionAllocator
{
    /// <summary>Places <paramref name="regions"/>, which are in the order of their first use.</summary>
    /// <param name="regions">What to place.</param>
    /// <param name="size">Floats of a region.</param>
    /// <param name="place">Receives the offset of each.</param>
    /// <param name="first">The first free offset.</param>
    /// <returns>The end of the memory that is used.</returns>
    public static int Allocate<T>(IReadOnlyList<T> regions, Func<T, int> size, Action<T, int> place, int first)
        where T : IRegion
    {
        List<(int Offset, int End, T Region)> live = [];
        int top = first;
        foreach (T region in regions)
        {
            live.RemoveAll(other => other.Region.LastUse < region.FirstUse);
            int offset = first;
            foreach ((int otherOffset, int otherEnd, _) in live.OrderBy(other => other.Offset))
            {
                if (offset + size(region) <= otherOffset)
                {
                    break;
                }

                offset = Math.Max(offset, otherEnd);
            }

            place(region, offset);
            int end = checked(offset + size(region));
            live.Add((offset, end, region));
            top = Math.Max(top, end);
        }

        return top;
    }
}
