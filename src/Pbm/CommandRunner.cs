namespace Backhaul.Pbm;

/// <summary>One command: help, confirmation, execution, output. The palettes are downloaded once, and again after a lost connection.</summary>
internal sealed class CommandRunner(NodeLink link, ToolArguments arguments, ITerminal terminal)
{
    private Catalog? _catalog;

    /// <summary>The palettes; throws when the node does not answer.</summary>
    public async ValueTask<Catalog> CatalogAsync(CancellationToken stop) => _catalog ??= await link.CatalogAsync(stop);

    /// <summary>The exit code. Everything that goes wrong is written and becomes one.</summary>
    public async Task<int> RunOneAsync(IReadOnlyList<string> words, bool helpWanted)
    {
        using var stop = new CancellationTokenSource();
        using var interrupt = terminal.OnInterrupt(() => stop.Cancel());
        try
        {
            var catalog = await CatalogAsync(stop.Token);
            // The shell and scripts may use the tool's own switches on every line.
            var own = ToolArguments.Parse(["placeholder", .. words], null);
            if (own.Fault is { } fault)
                return await FailAsync(fault, ExitCodes.Usage);
            words = [.. own.Words.Skip(1)];
            if (helpWanted || own.Help || words is ["help", ..])
                return await HelpAsync(catalog, words is ["help", ..] ? [.. words.Skip(1)] : words);
            var confirmed = arguments.Yes || own.Yes;
            if (!confirmed && catalog.Command(words) is { Destructive: true })
            {
                if (!terminal.IsInteractive)
                    return await FailAsync($"{words[0]} {words[1]} cannot be taken back, and nobody is here to ask: say --yes.", ExitCodes.Usage);
                if (!Ask($"{string.Join(' ', words)} cannot be taken back. Go on? [y/N] "))
                    return await FailAsync("Nothing was done.", ExitCodes.Refused);
                confirmed = true;
            }
            if ((arguments.Json || own.Json) && !words.Contains("--json", StringComparer.Ordinal))
                words = [.. words.Take(2), "--json", .. words.Skip(2)];
            return await ExecuteAsync(new ExecuteRequest(words, confirmed), stop.Token);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            return ExitCodes.Interrupted;
        }
        catch (NodeLinkException failure)
        {
            // The next command may find another version of the node.
            _catalog = null;
            return await FailAsync(failure.Message, failure.ExitCode);
        }
    }

    private async Task<int> ExecuteAsync(ExecuteRequest request, CancellationToken stop)
    {
        var exit = ExitCodes.TryAgain;
        await foreach (var record in link.ExecuteAsync(request, stop))
        {
            if (record.Line is { } line)
                await terminal.Output.WriteLineAsync(Harmless(line));
            else if (record.Error is { } error)
                await terminal.Errors.WriteLineAsync(Harmless(error));
            exit = record.Exit ?? exit;
        }
        await terminal.Output.FlushAsync(CancellationToken.None);
        return exit;
    }

    private async Task<int> HelpAsync(Catalog catalog, IReadOnlyList<string> words)
    {
        var about = HelpText.About(catalog, words);
        if (about is null)
            return await FailAsync($"There is no help about {string.Join(' ', words)}. help lists what there is.", ExitCodes.Usage);
        foreach (var line in about)
            await terminal.Output.WriteLineAsync(Harmless(line));
        return ExitCodes.Done;
    }

    private bool Ask(string question)
    {
        terminal.Output.Write(question);
        terminal.Output.Flush();
        terminal.EditsLine = true;
        var key = terminal.ReadKey();
        terminal.EditsLine = false;
        terminal.Output.WriteLine(char.IsControl(key.KeyChar) ? "" : key.KeyChar);
        return key.KeyChar is 'y' or 'Y';
    }

    private async Task<int> FailAsync(string sentence, int exit)
    {
        await terminal.Errors.WriteLineAsync(Harmless(sentence));
        return exit;
    }

    /// <summary>The node replaces what a terminal would obey; another machine's word is not relied upon.</summary>
    private static string Harmless(string text) => text.Any(static c => char.IsControl(c) && c != '\t')
        ? string.Concat(text.Select(static c => char.IsControl(c) && c != '\t' ? '?' : c))
        : text;
}
