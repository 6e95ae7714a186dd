using System.Text.RegularExpressions;

namespace ModelCompiler.EndToEnd.Tests.CommandLine;

/// <summary>The build as a user has it: what runs when, what it leaves where, and how mistakes look.</summary>
public sealed class BuildTests : IDisposable
{
    private const string Packing = "Packing model 'tiny'";

    private readonly TemporaryProject project = new();

    public void Dispose() => project.Dispose();

    [Fact]
    public void OnlyWhatChangedRunsAgain()
    {
        project.Synthesise();
        Assert.Contains(Packing, project.Build().Expect(0).Output);
        string first = project.Run();
        Assert.StartsWith("first f32 ", first);

        DateTime compiled = project.AssemblyTime;
        Assert.DoesNotContain(Packing, project.Build().Expect(0).Output);
        Assert.Equal(compiled, project.AssemblyTime);

        project.Edit("second");
        Assert.DoesNotContain(Packing, project.Build().Expect(0).Output);
        Assert.Equal(first.Replace("first", "second"), project.Run());

        project.ReplaceInConfig("10000.0", "20000.0");
        Assert.Contains(Packing, project.Build().Expect(0).Output);
        string rotated = project.Run();
        Assert.NotEqual(first.Replace("first", "second"), rotated);

        Assert.Contains(Packing, project.Build("-p:W=bf16").Expect(0).Output);
        Assert.StartsWith("second bf16 ", project.Run());
        Assert.DoesNotContain(Packing, project.Build("-p:W=bf16").Expect(0).Output);
    }

    [Fact]
    public void AnotherModelcPacksAgainHoweverOldItsFilesAre()
    {
        project.Synthesise();
        (string tool, string option) = CopyTool();
        Assert.Contains(Packing, project.Build(option).Expect(0).Output);
        File.SetLastWriteTimeUtc(Path.Combine(tool, "modelc.dll"), DateTime.UtcNow);
        Assert.DoesNotContain(Packing, project.Build(option).Expect(0).Output);

        string core = Path.Combine(tool, "ModelCompiler.Compiler.dll");
        File.AppendAllText(core, " "); // behind the image: it still loads
        File.SetLastWriteTimeUtc(core, new DateTime(2001, 1, 1, 0, 0, 0, DateTimeKind.Utc));
        Assert.Contains(Packing, project.Build(option).Expect(0).Output);
        Assert.DoesNotContain(Packing, project.Build(option).Expect(0).Output);
    }

    /// <summary>A crash, an end from outside: all that is known is what it wrote.</summary>
    [Fact]
    public void AModelcThatCannotSayWhatIsWrongIsAnErrorWithItsLastLines()
    {
        project.Synthesise();
        (string tool, string option) = CopyTool();
        File.Delete(Path.Combine(tool, "ModelCompiler.Compiler.dll"));
        Finished build = project.Build(option).Expect(1);
        Assert.Matches(
            @"App\.csproj : error MC314: packing the model 'tiny' failed: modelc ended with exit code -?\d+\. It wrote last: .*FileNotFoundException: .*'ModelCompiler\.Compiler, ", build.Output);
    }

    /// <summary>Told by modelc, and not once more by the build.</summary>
    [Fact]
    public void AMistakeInTheItemThatModelcFindsIsOneErrorAtTheProject()
    {
        project.Synthesise();
        project.ReplaceInProject("Embed=", "LoraRank=\"x\" Embed=");
        Finished build = project.Build().Expect(1);
        Assert.Contains($"App.csproj({project.PlaceOf("LoraRank=")}): error MC315: the model 'tiny': found LoraRank 'x', expected a whole number from 1 to 4096. Correct the CompiledModel item.", build.Output);
        Assert.DoesNotContain("MC314", build.Output);
    }

    [Fact]
    public void AFolderMayBeNamedByWhatAShellOrMSBuildExpands()
    {
        project.Synthesise();
        string name = "a$HOME it's `b";
        Directory.Move(project[Path.Combine("models", "tiny")], project[Path.Combine("models", name)]);
        project.ReplaceInProject("models/tiny/\"", $"models/{name}\" Name=\"tiny\"");
        project.Pack();
        Assert.NotEmpty(Directory.EnumerateFiles(project["obj"], "tiny.mcw", SearchOption.AllDirectories));
    }

    [Theory]
    [InlineData("it's")]
    [InlineData("`b")]
    [InlineData(@"b\")] // before the quote that ends it, which must stay one on Windows
    public void AnAdapterMayBeNamedByAQuote(string name)
    {
        using TemporaryProject with = new($"""<CompiledModel Include="models/tiny" Adapter="adapters/{name}" />""");
        with.Synthesise();
        with.Write(Path.Combine("adapters", name.TrimEnd('\\'), "adapter_config.json"), "{}");
        Finished pack = ChildProcess.Dotnet(with.Root, "msbuild", "-nologo", "-p:Configuration=Release", "-t:ModelCompilerPack").Expect(1);
        Assert.Matches($@"App\.csproj\({with.PlaceOf("Adapter=")}\): error MC321: the model 'tiny': adapters.{name.TrimEnd('\\')}.adapter_config.json: peft_type: found nothing, ", pack.Output);
        string choices = File.ReadAllText(Assert.Single(Directory.EnumerateFiles(with["obj"], "tiny.choices", SearchOption.AllDirectories)));
        Assert.Contains("adapter_config.json ", choices); // its time, too, decides whether to pack again
    }

    [Fact]
    public void WeightsAreEmbeddedOrLieBesideTheProgram()
    {
        project.Synthesise();
        string beside = project[Path.Combine("bin", "Release", "net10.0", "tiny.mcw")];
        project.Build("-p:E=true").Expect(0);
        Assert.False(File.Exists(beside));
        string embedded = project.Run();

        project.Build().Expect(0);
        Assert.True(File.Exists(beside));
        Assert.Equal(embedded, project.Run());

        ChildProcess.Dotnet(project.Root, "publish", "--nologo", "-c", "Release", "-o", "out").Expect(0);
        Assert.True(File.Exists(project[Path.Combine("out", "tiny.mcw")]));

        ChildProcess.Dotnet(project.Root, "clean", "--nologo", "-c", "Release").Expect(0);
        Assert.False(File.Exists(beside));
        Assert.Empty(Directory.EnumerateFiles(project["obj"], "tiny.*", SearchOption.AllDirectories));
    }

    [Fact]
    public void AMistakeInTheModelIsABuildErrorAtItsLine()
    {
        project.Synthesise();
        project.ReplaceInConfig("\"hidden_size\": 40", "\"hidden_size\": \"forty\"");
        Finished build = project.Build().Expect(1);
        Assert.Matches(@"models[/\\]tiny[/\\]config\.json\(\d+,\d+\): error MC004: ", build.Output);
        Assert.DoesNotContain("MSB3073", build.Output);
        Assert.DoesNotContain("MC314", build.Output);
        Assert.DoesNotContain("MC304", build.Output); // nothing went on behind it
    }

    [Fact]
    public void AFileThatIsOlderThanTheOneItReplacesIsPacked()
    {
        project.Synthesise();
        string weights = project[Path.Combine("models", "tiny", "model.safetensors")];
        Assert.Contains(Packing, project.Build().Expect(0).Output);
        string first = project.Run();
        Assert.DoesNotContain(Packing, project.Build().Expect(0).Output);

        string other = Path.Combine(project.SynthesiseOther(seed: 5), "model.safetensors");
        File.SetLastWriteTimeUtc(other, DateTime.UtcNow.AddYears(-1));
        File.Move(other, weights, overwrite: true);
        Assert.Contains(Packing, project.Build().Expect(0).Output);
        Assert.NotEqual(first, project.Run());

        File.WriteAllText(project[Path.Combine("models", "tiny", "extra.json")], "{}");
        Assert.Contains(Packing, project.Pack().Output);
        File.Delete(project[Path.Combine("models", "tiny", "extra.json")]);
        Assert.Contains(Packing, project.Pack().Output);
        Assert.DoesNotContain(Packing, project.Pack().Output);
    }

    /// <summary>As in a model hub's cache; the link stays as it is.</summary>
    [Fact]
    public void AFileThatIsRewrittenBehindALinkIsPacked()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Links need a privilege there.");
        project.Synthesise();
        string weights = project[Path.Combine("models", "tiny", "model.safetensors")], blob = project["it's one;blob"];
        File.Move(weights, blob);
        File.CreateSymbolicLink(weights, blob);
        File.SetLastWriteTimeUtc(blob, DateTime.UtcNow.AddYears(-1));
        Assert.Contains(Packing, project.Pack().Output);
        Assert.DoesNotContain(Packing, project.Pack().Output);

        byte[] other = File.ReadAllBytes(Path.Combine(project.SynthesiseOther(seed: 5), "model.safetensors"));
        File.WriteAllBytes(blob, other);
        Assert.Contains(Packing, project.Pack().Output);
        Assert.DoesNotContain(Packing, project.Pack().Output);

        // The folder is a link, too, and the links in it begin where it really is. A path with a | is not among those that the build looks at.
        Directory.CreateDirectory(project["hub/blobs"]);
        Directory.CreateDirectory(project["hub/snapshots"]);
        Directory.Move(project["models/tiny"], project["hub/snapshots/rev"]);
        Directory.CreateSymbolicLink(project["models/tiny"], "../hub/snapshots/rev");
        string snapshot = project["hub/snapshots/rev"];
        File.Delete(Path.Combine(snapshot, "model.safetensors"));
        File.Move(blob, project["hub/blobs/1f"]);
        File.CreateSymbolicLink(Path.Combine(snapshot, "model.safetensors"), "../../blobs/1f");
        File.Move(Path.Combine(snapshot, "config.json"), project["hub/blobs/a|b"]);
        File.CreateSymbolicLink(Path.Combine(snapshot, "config.json"), "../../blobs/a|b");
        Assert.Contains(Packing, project.Pack().Output);
        Assert.DoesNotContain(Packing, project.Pack().Output);
        File.WriteAllBytes(project["hub/blobs/1f"], other);
        Assert.Contains(Packing, project.Pack().Output);
        Assert.DoesNotContain(Packing, project.Pack().Output);
    }

    [Theory]
    [InlineData("""Weights="q'&quot;8" """, "MC315: the model 'tiny': found Weights 'q'\"8', expected one of f32, f16, bf16, q8, q4.")]
    [InlineData("""Weights="q4, lmhead.*=q8" """, "MC204: the model 'tiny': found the pattern 'lmhead.*' with the format q8, expected ")]
    [InlineData("""weights="q9" """, "MC315: the model 'tiny': found Weights 'q9', expected one of f32, f16, bf16, q8, q4.")]
    [InlineData("""Embed="maybe" """, "MC315: the model 'tiny': found Embed 'maybe', expected true or false.")]
    [InlineData("""LoraTargets="none" LoraRank="2" """, "MC322: the model 'tiny': the adapters: found the target 'none', expected one of q_proj, ")]
    [InlineData("""Name="a b" """, "MC010: the model 'a b': model name: found 'a b', expected ")]
    [InlineData("""Verify="true" """, "MC341: the model 'tiny': ONNX Runtime's native library: found no file ")]
    public void MetadataThatMeansNothingIsAnErrorWhereItStands(string metadata, string expected)
    {
        using TemporaryProject with = new($"""<CompiledModel Include="models/tiny" {metadata}/>""");
        with.Synthesise();
        Finished check = ChildProcess.Dotnet(with.Root, "msbuild", "-nologo", "-t:ModelCompilerVerify", "-p:ModelCompilerOnnxRuntime=nothing.so").Expect(1);
        string error = Assert.Single(check.Output.Split('\n'), line => line.Contains("error", StringComparison.Ordinal));
        Assert.Contains($"App.csproj({with.PlaceOf(metadata.Split('=')[0] + '=')}): error {expected}", error);
    }

    /// <summary>Said before NuGet says what the runtime supports; for one of several frameworks, too.</summary>
    [Theory]
    [InlineData("<TargetFramework>net8.0<", "net8.0")]
    [InlineData("<TargetFrameworks>net10.0;net9.0<", "net9.0")]
    [InlineData("<modelCompilerInstructionSet>avx512<", "avx512")]
    public void APropertyThatCannotBeIsAnErrorWhereItStands(string property, string found)
    {
        string name = property[1..property.IndexOf('>')];
        project.ReplaceInProject("<TargetFramework>net10.0</TargetFramework>", $"{property}/{name}>{(name.StartsWith("Target", StringComparison.Ordinal) ? "" : "<TargetFramework>net10.0</TargetFramework>")}");
        string[] lines = File.ReadAllLines(project["App.csproj"]);
        int line = Array.FindIndex(lines, line => line.Contains(property, StringComparison.Ordinal));
        string output = ChildProcess.Dotnet(project.Root, "build", "--nologo", "-v:q").Expect(1).Output;
        string error = Assert.Single(output.Split('\n').Where(line => line.Contains("error", StringComparison.Ordinal)).Distinct());
        Assert.Matches($@"App\.csproj\({line + 1},{lines[line].IndexOf(property, StringComparison.Ordinal) + 2}\): error MC(319|325): .*: found '{Regex.Escape(found)}', expected (net10\.0|x86-64-v3, )", error);
    }

    /// <summary>Attributes, elements and an item that only a condition hides; what the build knows is passed over, whatever its values look like.</summary>
    [Theory]
    [InlineData("""<CompiledModel Include="models/tiny" Wieghts="q8" />""", "Wieghts")]
    [InlineData("""<CompiledModel Include="models/tiny" Trace="true" />""", "Trace")]
    [InlineData("""<CompiledModel Include="models/tiny" Weights="q4, lm_head.weight=q8"><Format>q8</Format></CompiledModel>""", "Format")]
    [InlineData("""<CompiledModel Include="models/tiny" Weights="q4, lm_head.weight=q8" Condition="'1' == '1'"><Embed>false</Embed><!-- beside it --></CompiledModel>""", null)]
    public void MetadataOfAnUnknownNameIsAWarningWhereItStands(string item, string? unknown)
    {
        using TemporaryProject with = new(item);
        with.Synthesise();
        string[] check = ["msbuild", "-nologo", "-t:_ModelCompilerCheck", "-p:TreatWarningsAsErrors=false"];
        string output = ChildProcess.Dotnet(with.Root, check).Expect(0).Output;
        if (unknown is null)
        {
            Assert.DoesNotContain("MC317", output);
            return;
        }

        Assert.Contains($"App.csproj({with.PlaceOf(unknown)}): warning MC317: the CompiledModel item 'models/tiny': found the metadata '{unknown}', which means nothing, expected one of Name, Weights, ", output);
        Assert.DoesNotContain("MC317", ChildProcess.Dotnet(with.Root, [.. check, "-p:NoWarn=MC316%3BMC317"]).Expect(0).Output);
    }

    [Fact]
    public void AModelWithoutATokenizerIsAWarning()
    {
        project.Synthesise();
        string[] check = ["msbuild", "-nologo", "-t:_ModelCompilerCheck"];
        Assert.Matches($@"App\.csproj\({project.PlaceOf("Include=")}\): (warning|error) MC316: .*tokenizer\.json", ChildProcess.Dotnet(project.Root, [.. check, "-p:NoWarn="]).Output);
        Assert.DoesNotContain("MC316", ChildProcess.Dotnet(project.Root, check).Expect(0).Output);
    }

    [Fact]
    public void AMissingModelIsABuildErrorWhereItIsNamed()
    {
        Finished build = project.Build().Expect(1);
        Assert.Contains($"App.csproj({project.PlaceOf("Include=")}): error MC311: ", build.Output);
    }

    /// <summary>A wildcard finds files only, and beside models mostly none: then there is no item at all.</summary>
    [Theory]
    [InlineData("models/*", "found a wildcard, which finds files and no folder, expected a folder that holds config.json, ")]
    [InlineData("models/tiny/config.json", "found a file, expected the folder that holds config.json, ")]
    public void AnItemThatNamesNoFolderIsAnErrorWhereItStands(string include, string expected)
    {
        using TemporaryProject with = new($"""<CompiledModel Include="{include}" />""");
        with.Synthesise();
        Finished check = ChildProcess.Dotnet(with.Root, "msbuild", "-nologo", "-t:_ModelCompilerCheck").Expect(1);
        string error = Assert.Single(check.Output.Split('\n'), line => line.Contains("error", StringComparison.Ordinal));
        Assert.Contains($"App.csproj({with.PlaceOf("Include=")}): error MC311: the CompiledModel item '{include}': {expected}", error);
    }

    [Fact]
    public void FoldersCanBeListed()
    {
        using TemporaryProject with = new("""<CompiledModel Include="$([System.IO.Directory]::GetDirectories('$(MSBuildProjectDirectory)/models', '*'))" />""");
        with.Synthesise();
        Assert.Contains(Packing, with.Pack().Output);
    }

    [Fact]
    public void AMistakeHasItsLineInAFolderWhoseNameLooksEscaped()
    {
        string inner = project["w %41"];
        Directory.CreateDirectory(inner);
        File.Copy(project["App.csproj"], Path.Combine(inner, "App.csproj"));
        Finished check = ChildProcess.Dotnet(inner, "msbuild", "-nologo", "-t:_ModelCompilerCheck").Expect(1);
        Assert.Contains($"w %41{Path.DirectorySeparatorChar}App.csproj({project.PlaceOf("Include=")}): error MC311: ", check.Output);
    }

    [Fact]
    public void ADesignTimeBuildNeverPacks()
    {
        project.Synthesise();
        ChildProcess.Dotnet(project.Root, "restore").Expect(0);
        string[] designTime =
        [
            "msbuild", "-nologo", "-t:Compile", "-p:Configuration=Release", "-p:DesignTimeBuild=true", "-p:BuildingProject=false",
            "-p:SkipCompilerExecution=true", "-p:ProvideCommandLineArgs=true", "-getItem:AdditionalFiles",
        ];
        Finished before = ChildProcess.Dotnet(project.Root, designTime).Expect(0);
        Assert.Contains("config.json", before.Output);
        Assert.DoesNotContain("manifest.json", before.Output);

        project.Build().Expect(0);
        Assert.Contains("tiny.manifest.json", ChildProcess.Dotnet(project.Root, designTime).Expect(0).Output);
    }

    /// <summary>Each of them packs and compiles in a folder of its own.</summary>
    [Fact]
    public async Task SeveralFrameworksAndConfigurationsBuildAtOnce()
    {
        project.Synthesise();
        project.ReplaceInProject("<TargetFramework>net10.0<", "<EnableWindowsTargeting>true</EnableWindowsTargeting><DisableTransitiveFrameworkReferenceDownloads>true</DisableTransitiveFrameworkReferenceDownloads><TargetFrameworks>net10.0;net10.0-windows<");
        project.ReplaceInProject("</TargetFramework>", "</TargetFrameworks>");
        ChildProcess.Dotnet(project.Root, "restore", "--nologo").Expect(0);
        string[] configurations = ["Debug", "Release"];
        Finished[] builds = await Task.WhenAll(configurations.Select(configuration => Task.Run(() => ChildProcess.Dotnet(project.Root, "build", "--nologo", "--no-restore", "-c", configuration))));
        Assert.All(builds, build => Assert.Equal(2, build.Expect(0).Output.Split(Packing).Length - 1));
        string[] texts =
        [
            .. from configuration in configurations from framework in new[] { "net10.0", "net10.0-windows" }
               select ChildProcess.Dotnet(project.Root, Path.Combine("bin", configuration, framework, "App.dll")).Expect(0).Output.Trim(),
        ];
        Assert.StartsWith("first f32 ", Assert.Single(texts.Distinct()));
    }

    [Theory]
    [InlineData("linux-x64", "", "x86-64-v3")]
    [InlineData("win-x64", "x86-64-v4", "x86-64-v4")]
    [InlineData("linux-arm64", "", "")]
    [InlineData("linux-arm64", "x86-64-v3", "")]
    [InlineData("linux-arm64", "native", "native")]
    public void NativeAotGetsAnInstructionSet(string runtime, string chosen, string expected)
    {
        string[] options = chosen.Length == 0 ? [] : [$"-p:ModelCompilerInstructionSet={chosen}"];
        Finished evaluated = ChildProcess.Dotnet(
            project.Root, ["msbuild", "-nologo", "-p:PublishAot=true", $"-p:RuntimeIdentifier={runtime}", "-getProperty:IlcInstructionSet", .. options]).Expect(0);
        Assert.Equal(expected, evaluated.Output.Trim());
    }

    [Theory]
    [InlineData("linux-x64", "x86-64-v2", true)]
    [InlineData("linux-x64", "x86-64-v3,-avx2", true)]
    [InlineData("linux-x64", "x86-64-v3", false)]
    [InlineData("linux-x64", "native", false)]
    [InlineData("linux-arm64", "", false)]
    [InlineData("linux-arm", "", true)]
    public void ASlowInstructionSetIsAWarning(string runtime, string chosen, bool warns)
    {
        Finished built = ChildProcess.Dotnet(
            project.Root, "msbuild", "-nologo", "-t:_ModelCompilerCheckInstructionSet", "-p:PublishAot=true", $"-p:RuntimeIdentifier={runtime}",
            $"-p:IlcInstructionSet={chosen.Replace(",", "%2C")}");
        Assert.Equal(warns, built.Output.Contains("MC310"));
    }

    /// <summary>A modelc of its own for the project: its folder, and the option that names it.</summary>
    private (string Tool, string Option) CopyTool()
    {
        string tool = project["tool"];
        Directory.CreateDirectory(tool);
        foreach (string file in Directory.EnumerateFiles(Path.GetDirectoryName(ChildProcess.BuiltTool)!))
        {
            File.Copy(file, Path.Combine(tool, Path.GetFileName(file)));
        }

        return (tool, $"-p:ModelCompilerTool={Path.Combine(tool, "modelc.dll")}");
    }
}

/// <summary>Several models in one project.</summary>
public sealed class TwoModelsTests
{
    [Fact]
    public void ModelsOfOneNameAreRefused()
    {
        using TemporaryProject project = new("""<CompiledModel Include="models/tiny;other/Tiny" />""");
        Assert.Contains($"App.csproj({project.PlaceOf("Include=")}): error MC312: ", project.Build().Expect(1).Output);
    }

    /// <summary>Each with formats of its own.</summary>
    [Fact]
    public void OneFolderMayBeCompiledUnderTwoNames()
    {
        using TemporaryProject project = new("""<CompiledModel Include="models/tiny" /><CompiledModel Include="models/tiny" Name="small" Weights="q4" />""");
        project.Synthesise();
        project.Write("Program.cs", """
            using TinyModel tiny = TinyModel.Load();
            using SmallModel small = SmallModel.Load();
            Console.WriteLine($"{tiny.Description.Format} {small.Description.Format}");
            [CompiledModel("tiny")] internal sealed partial class TinyModel;
            [CompiledModel("small")] internal sealed partial class SmallModel;
            """);
        project.Build().Expect(0);
        Assert.Equal("f32 q4", project.Run());
    }

    /// <summary>What stands in the file is not the path that the build knows: then the last part of it tells, where it is one item's, and no other item is blamed.</summary>
    [Theory]
    [InlineData("""<CompiledModel Include="$(Models)/b" Embed="x" />""", true)]
    [InlineData("""<CompiledModel Include="$(Models)/b" /><CompiledModel Include="$(Other)/b/" Embed="x" Name="x" />""", false)]
    [InlineData("""<CompiledModel Include="$(B)" Embed="x" />""", false)]
    public void AnItemThatIsNamedThroughAPropertyIsToldAtItsOwnLine(string items, bool known)
    {
        const string Models = "<PropertyGroup><Models>models</Models><B>models/b</B><Other>other</Other></PropertyGroup>";
        using TemporaryProject project = new($"""<CompiledModel Include="models/a" />{items}</ItemGroup>{Models}<ItemGroup>""");
        foreach (string folder in new[] { "models/a", "models/b", "other/b" })
        {
            project.Write($"{folder}/config.json", "{}");
        }

        string output = ChildProcess.Dotnet(project.Root, "msbuild", "-nologo", "-t:_ModelCompilerCheck").Expect(1).Output;
        Assert.Contains($"App.csproj{(known ? $"({project.PlaceOf("Embed=")})" : " ")}: error MC315: the model '", output);
        Assert.DoesNotContain($"App.csproj({project.PlaceOf("Include=")})", output);
    }
}
