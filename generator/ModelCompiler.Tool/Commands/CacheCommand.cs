using System.CommandLine;
using ModelCompiler.Tool.Hosting;

namespace ModelCompiler.Tool.Commands;

/// <summary><c>modelc cache</c>: where models without a project are kept, how many there are and what they take; and their removal.</summary>
internal static class CacheCommand
{
    public static Command Create()
    {
        Option<bool> clear = new("--clear") { Description = "Removes all entries; the next run of a model makes its own again." };
        Command command = new("cache", "Tells place and size of what run, logits and bench keep.") { clear };
        command.SetAction(parsed =>
        {
            CacheFolder cache = CacheFolder.OfUser();
            IReadOnlyList<DirectoryInfo> entries = cache.Entries();
            long bytes = entries.Sum(SizeBytes);
            if (parsed.GetValue(clear))
            {
                foreach (DirectoryInfo entry in entries)
                {
                    CacheFolder.Remove(entry.FullName);
                }
            }

            Console.WriteLine($"{cache.Root}: {(parsed.GetValue(clear) ? "removed " : "")}{entries.Count} entries, {Output.Bytes(bytes)}");
            return ExitCode.Success;
        });
        return command;
    }

    /// <summary>0 for an entry that another process takes away meanwhile.</summary>
    private static long SizeBytes(DirectoryInfo entry)
    {
        try
        {
            return entry.EnumerateFiles().Sum(file => file.Length);
        }
        catch (IOException)
        {
            return 0;
        }
    }
}
