using Backhaul.Node.Hosting;

// The life of a node, top to bottom. What it is made of is in Hosting/NodeComposition.cs; how it stops, in Hosting/NodeDrain.cs.
try
{
    if (NodeArguments.AsksForHelp(args))
    {
        Console.WriteLine(NodeArguments.Usage);
        return 0;
    }
    NodeArguments.Check(args);
    using var secondSignal = new SecondSignal();
    var builder = NodeBuilder.Create(args);
    builder.AddNode();
    await using var node = builder.Build();
    node.UseNode();
    await node.RunAsync();
    return 0;
}
catch (OperationCanceledException)
{
    return 0; // asked to stop before it was ready; nothing had been accepted
}
catch (Exception failure) when (StartFailures.Explain(failure) is { } known)
{
    await Console.Error.WriteLineAsync(known.Message);
    return known.ExitCode;
}
catch (Exception bug)
{
    await Console.Error.WriteLineAsync($"The node failed for a reason that it does not know, which is a bug: {bug}");
    return ExitCodes.Software;
}
