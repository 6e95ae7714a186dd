using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text.RegularExpressions;
using System.Xml;
using System.Xml.Linq;
using Microsoft.Build.Framework;
using Microsoft.Build.Utilities;

// What the targets beside this file say. MSBuild compiles it, for each task, when that task first has something to say: a build without a mistake never does.

/// <summary>Line and column, from 1, of what a message is about; 0: the file as a whole.</summary>
internal sealed class Place
{
    private Place(string file, XObject said)
    {
        IXmlLineInfo info = said;
        File = file;
        Line = info == null ? 0 : info.LineNumber;
        Column = info == null ? 0 : info.LinePosition;
    }

    public string File { get; }

    public int Line { get; }

    public int Column { get; }

    /// <summary>
    /// Of a CompiledModel item: at the attribute or element of one of its metadata, where the file has that, else at its Include. Where what stands there is not the path (it has a property, or a
    /// wildcard), the item that alone ends in the path's last part; where that is none of several, the file as a whole.
    /// </summary>
    public static Place OfItem(ITaskItem item, string metadata)
    {
        string file = item.GetMetadata("Declared");
        XElement[] all = Models(file).Where(element => element.Attribute("Include") != null).ToArray();
        XElement declared = all.LastOrDefault(element => Paths(element).Contains(Normal(item.ItemSpec)))
            ?? Only(all.Where(element => Paths(element).Any(path => Last(path) == Last(Normal(item.ItemSpec)))))
            ?? Only(all);
        XObject said = declared == null ? null
            : declared.Attributes().FirstOrDefault(attribute => Same(attribute.Name, metadata))
            ?? (XObject)declared.Elements().FirstOrDefault(element => Same(element.Name, metadata)) ?? declared.Attribute("Include");
        return new Place(file, said);
    }

    /// <summary>Of a property: where it is set last, by one of its names. Where that is in another file, or on the command line, the file as a whole.</summary>
    public static Place OfProperty(string file, IEnumerable<string> names)
        => new Place(file, Read(file).LastOrDefault(element => element.Parent != null && element.Parent.Name.LocalName == "PropertyGroup" && names.Any(name => Same(element.Name, name))));

    /// <summary>The CompiledModel items of a project file, whatever they do.</summary>
    public static IEnumerable<XElement> Models(string file) => Read(file).Where(element => Same(element.Name, "CompiledModel"));

    /// <summary>All elements of a project file. A program of one file has none: its project has a path only.</summary>
    private static IEnumerable<XElement> Read(string file)
        => XDocument.Parse(System.IO.File.Exists(file) ? System.IO.File.ReadAllText(file) : "<Project />", LoadOptions.SetLineInfo).Descendants();

    /// <summary>MSBuild's names have no case.</summary>
    private static bool Same(XName name, string expected) => string.Equals(name.LocalName, expected, StringComparison.OrdinalIgnoreCase);

    private static T Only<T>(IEnumerable<T> all) where T : class => all.Take(2).Count() == 1 ? all.First() : null;

    private static IEnumerable<string> Paths(XElement item) => item.Attribute("Include").Value.Split(';').Select(Normal);

    private static string Normal(string path) => path.Trim().Replace('\\', '/').TrimEnd('/');

    private static string Last(string path) => path.Substring(path.LastIndexOf('/') + 1);
}

/// <summary>Says what is wrong with an item, where it stands, which MSBuild's own tasks do not know.</summary>
public sealed class ModelCompilerSay : Task
{
    [Required]
    public string Code { get; set; }

    [Required]
    public string Text { get; set; }

    /// <summary>The last of them is meant.</summary>
    [Required]
    public ITaskItem[] Items { get; set; }

    /// <summary>Which of its metadata is meant; without it, the item.</summary>
    public string Metadata { get; set; } = "Include";

    public bool Warns { get; set; }

    public override bool Execute()
    {
        Place place = Place.OfItem(Items[Items.Length - 1], Metadata);
        if (Warns)
        {
            Log.LogWarning(null, Code, null, place.File, place.Line, place.Column, 0, 0, Text);
        }
        else
        {
            Log.LogError(null, Code, null, place.File, place.Line, place.Column, 0, 0, Text);
        }

        return Warns;
    }
}

/// <summary>Says what is wrong with a property of the project, where it stands.</summary>
public sealed class ModelCompilerSayOfProperty : Task
{
    [Required]
    public string Code { get; set; }

    [Required]
    public string Text { get; set; }

    [Required]
    public string Project { get; set; }

    /// <summary>Its names.</summary>
    [Required]
    public string[] Properties { get; set; }

    public override bool Execute()
    {
        Place place = Place.OfProperty(Project, Properties);
        Log.LogError(null, Code, null, place.File, place.Line, place.Column, 0, 0, Text);
        return false;
    }
}

/// <summary>
/// Says which CompiledModel items of a project name their folders by a wildcard: it finds files only, mostly none, and then there is no item that could be told of. What depends on a condition, or on
/// a property or another item, is not looked at.
/// </summary>
public sealed class ModelCompilerSayOfWildcards : Task
{
    [Required]
    public string Project { get; set; }

    public override bool Execute()
    {
        foreach (XElement item in Place.Models(Project).Where(item => item.AncestorsAndSelf().All(element => element.Attribute("Condition") == null)))
        {
            XAttribute include = item.Attribute("Include");
            if (include != null && include.Value.IndexOfAny(new[] { '*', '?' }) >= 0 && include.Value.IndexOfAny(new[] { '$', '@' }) < 0)
            {
                IXmlLineInfo place = include;
                Log.LogError(null, "MC311", null, Project, place.LineNumber, place.LinePosition, 0, 0,
                    "the CompiledModel item '" + include.Value + "': found a wildcard, which finds files and no folder, expected a folder that holds config.json, *.safetensors and tokenizer.json. Name each folder, or list them: "
                    + "Include=\"$([System.IO.Directory]::GetDirectories('$(MSBuildProjectDirectory)/models'))\".");
            }
        }

        return !Log.HasLoggedErrors;
    }
}

/// <summary>Says which metadata of the items in some files mean nothing, where they stand.</summary>
public sealed class ModelCompilerKnow : Task
{
    private static readonly string[] Own = { "Include", "Exclude", "Remove", "Update", "Condition", "Label", "KeepMetadata", "RemoveMetadata", "KeepDuplicates", "MatchOnMetadata", "MatchOnMetadataOptions" };

    [Required]
    public ITaskItem[] Files { get; set; }

    /// <summary>The names that mean something, with | between them.</summary>
    [Required]
    public string Known { get; set; }

    public override bool Execute()
    {
        string[] known = Known.Split('|');
        foreach (ITaskItem file in Files)
        {
            foreach (XElement item in Place.Models(file.ItemSpec))
            {
                var said = item.Attributes().Where(attribute => !Own.Contains(attribute.Name.LocalName)).Select(attribute => new { attribute.Name.LocalName, Place = (IXmlLineInfo)attribute })
                    .Concat(item.Elements().Select(element => new { element.Name.LocalName, Place = (IXmlLineInfo)element }));
                foreach (var metadata in said.Where(each => !known.Contains(each.LocalName, StringComparer.OrdinalIgnoreCase)))
                {
                    Log.LogWarning(null, "MC317", null, file.ItemSpec, metadata.Place.LineNumber, metadata.Place.LinePosition, 0, 0,
                        "the CompiledModel item '" + (string)item.Attribute("Include") + "': found the metadata '" + metadata.LocalName + "', which means nothing, expected one of " + string.Join(", ", known) + ". "
                        + (string.Equals(metadata.LocalName, "Trace", StringComparison.OrdinalIgnoreCase) ? "It belongs to the class: [CompiledModel(\"…\", Trace = true)]." : "Correct its name."));
                }
            }
        }

        return true;
    }
}

/// <summary>
/// Says what modelc said about an item: at the place that it named, or, where that is the project, the model's folder or its config as a whole, at the item, and in its words: an option of modelc is
/// metadata of the same name. Where modelc failed without saying why, what it wrote last is all that is known.
/// </summary>
public sealed class ModelCompilerTell : Task
{
    private const int Shown = 5;

    private static readonly Regex Message = new Regex(@"^(?<file>.+?)(\((?<line>\d+)(,(?<column>\d+))?\))?: (?<kind>error|warning) (?<code>MC\d{3}): (?<text>.*)$");

    /// <summary>What a message without an option is about, by its rule or its words.</summary>
    private static readonly Dictionary<string, string> Subjects = new Dictionary<string, string>
    {
        ["^MC(201|204|205) "] = "Weights",
        ["^MC010 "] = "Name",
        ["^MC212 "] = "Embed",
        ["^MC34[01] "] = "Verify",
        ["^MC322 the adapters: found the target "] = "LoraTargets",
    };

    [Required]
    public int ExitCode { get; set; }

    /// <summary>What modelc was to do, for a sentence.</summary>
    [Required]
    public string Doing { get; set; }

    /// <summary>The project file.</summary>
    [Required]
    public string Project { get; set; }

    /// <summary>The item, with its Folder, Name and Adapter; the last of them is meant.</summary>
    [Required]
    public ITaskItem[] Items { get; set; }

    /// <summary>The lines that modelc wrote.</summary>
    public ITaskItem[] Written { get; set; } = new ITaskItem[0];

    private ITaskItem Item => Items[Items.Length - 1];

    public override bool Execute()
    {
        string[] lines = Written.Select(line => line.ItemSpec.Trim()).Where(line => line.Length > 0).ToArray();
        foreach (Match message in lines.Select(line => Message.Match(line)).Where(message => message.Success))
        {
            Tell(message);
        }

        if (ExitCode != 0 && !Log.HasLoggedErrors)
        {
            // Stack traces leave no room for what is above them.
            string[] told = lines.Where(line => !line.StartsWith("at ", StringComparison.Ordinal)).ToArray();
            string last = told.Length == 0 ? "It wrote nothing." : "It wrote last: " + string.Join(" | ", told.Skip(told.Length - Shown));
            Log.LogError(null, "MC314", null, Project, 0, 0, 0, 0, Doing + " failed: modelc ended with exit code " + ExitCode + ". " + last);
        }

        return ExitCode == 0;
    }

    private void Tell(Match message)
    {
        string file = message.Groups["file"].Value, code = message.Groups["code"].Value, text = message.Groups["text"].Value;
        int line = Number(message.Groups["line"]), column = Number(message.Groups["column"]);
        string folder = Item.GetMetadata("Folder");
        if (line == 0 && new[] { Project, folder, Path.Combine(folder, "config.json") }.Contains(file))
        {
            text = Regex.Replace(text, "^the model '.*?': ", "");
            Match option = Regex.Match(text, "^--(?<name>[a-z-]+): ");
            Place place = Place.OfItem(Item, option.Success ? Metadata(option.Groups["name"].Value) : Subject(code, text));
            file = place.File;
            line = place.Line;
            column = place.Column;
            if (code == "MC320") // nobody wrote a command line
            {
                code = "MC315";
                text = Regex.Replace(text, "--(?<name>weights|cache|name|adapter|training|lora-[a-z]+)", named => Metadata(named.Groups["name"].Value));
                text = Regex.Replace(text, @"^(\w+): found '", "found $1 '") + " Correct the CompiledModel item.";
            }

            text = "the model '" + Item.GetMetadata("Name") + "': " + Regex.Replace(text, "^Found ", "found ");
        }

        if (message.Groups["kind"].Value == "warning")
        {
            Log.LogWarning(null, code, null, file, line, column, 0, 0, text);
        }
        else
        {
            Log.LogError(null, code, null, file, line, column, 0, 0, text);
        }
    }

    private string Subject(string code, string text)
    {
        string adapter = Item.GetMetadata("Adapter");
        return adapter.Length > 0 && text.Contains(adapter) ? "Adapter" : Subjects.FirstOrDefault(subject => Regex.IsMatch(code + " " + text, subject.Key)).Value ?? "Include";
    }

    /// <summary>lora-rank: LoraRank.</summary>
    private static string Metadata(string option) => string.Concat(option.Split('-').Where(word => word.Length > 0).Select(word => char.ToUpperInvariant(word[0]) + word.Substring(1)));

    private static int Number(Group digits) => digits.Success ? int.Parse(digits.Value) : 0;
}
