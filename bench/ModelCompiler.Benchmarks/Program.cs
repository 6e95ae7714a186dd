using BenchmarkDotNet.Running;
using ModelCompiler.Benchmarks;

BenchmarkSwitcher.FromAssembly(typeof(ModelBenchmarks).Assembly).Run(args);
