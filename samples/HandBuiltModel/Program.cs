// Writes a model folder. Its weights are computed by HandWrittenTransformer from the sentences of Corpus; nothing is trained.
using HandBuiltModel;

if (args.Length != 1)
{
    Console.Error.WriteLine("Usage: HandBuiltModel DIR    (DIR: where config.json, model.safetensors and tokenizer.json are written)");
    return 2;
}

PublishedFolder.Write(args[0]);
foreach (FileInfo file in new DirectoryInfo(args[0]).GetFiles().OrderBy(file => file.Name, StringComparer.Ordinal))
{
    Console.WriteLine($"{file.Length,9:N0}  {file.Name}");
}

return 0;
