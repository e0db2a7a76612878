namespace Backhaul.Pbm;

/// <summary>The shell for a person: reads a line, runs it, and goes on until <c>exit</c> or Ctrl-D. Ctrl-C ends what runs, not the shell.</summary>
internal sealed class Shell(CommandRunner runner, ToolArguments arguments, ITerminal terminal, History history)
{
    private Catalog _catalog = new();

    public async Task<int> RunAsync()
    {
        _catalog = await runner.CatalogAsync(CancellationToken.None);
        if (_catalog.Node is { } node)
            await terminal.Output.WriteLineAsync($"{node.Name}, Backhaul {node.Version}. help lists the palettes, Tab completes, exit leaves.");
        var editor = new LineEditor(terminal, history, line => Completer.Complete(_catalog, line));
        var prompt = $"[{arguments.NodeName}] pbm> ";
        while (true)
        {
            var (end, text) = editor.Read(prompt);
            if (end == LineEnd.Closed)
                return ExitCodes.Done;
            if (end == LineEnd.Abandoned)
                continue;
            history.Add(text);
            var split = WordSplitter.Split(text);
            if (split.QuoteIsOpen)
            {
                await terminal.Errors.WriteLineAsync("A quote is not closed.");
                continue;
            }
            switch (split.Words)
            {
                case []:
                    continue;
                case ["exit" or "quit"]:
                    return ExitCodes.Done;
                case ["clear"]:
                    await terminal.Output.WriteAsync("\x1b[H\x1b[2J");
                    continue;
                default:
                    break;
            }
            if (await runner.RunOneAsync(split.Words, helpWanted: false) != ExitCodes.NotReachable)
                _catalog = await RefreshAsync();
        }
    }

    /// <summary>After a restart the node may know other commands; without an answer the old ones stay.</summary>
    private async ValueTask<Catalog> RefreshAsync()
    {
        try
        {
            return await runner.CatalogAsync(CancellationToken.None);
        }
        catch (NodeLinkException)
        {
            // The command before has said that the node is away.
            return _catalog;
        }
    }
}
