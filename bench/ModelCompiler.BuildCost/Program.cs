using ModelCompiler.BuildCost;

return await BuildCostCommand.RunAsync(args);
