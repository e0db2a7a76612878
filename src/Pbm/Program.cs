using Backhaul.Pbm;

return await Tool.RunAsync(args, SystemTerminal.Open());
