namespace Backhaul.Node.Ops.Palettes;

/// <summary>
/// One command from words to exit: parse → may the caller? → confirmed? → audit → handler → audit. Every way out ends with exactly
/// one exit record, unless the caller has gone.
/// </summary>
internal sealed partial class PaletteExecutor(IEnumerable<IPalette> palettes, AuditLog audit, ILogger<PaletteExecutor> log)
{
    public IReadOnlyList<IPalette> Palettes { get; } = [.. palettes];

    /// <summary>
    /// <paramref name="caller"/> says that the caller has left, <paramref name="ending"/> that the node stops: that ends what streams,
    /// everything else is carried out to its answer.
    /// </summary>
    public async Task ExecuteAsync(
        OperatorIdentity who, string request, IReadOnlyList<string> words, bool confirmed, PaletteOutput output,
        CancellationToken caller, CancellationToken ending)
    {
        PaletteExit exit;
        try
        {
            var invocation = PaletteParser.Parse(Palettes, words);
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(caller, invocation.Command.Streams ? ending : CancellationToken.None);
            exit = await CarryOutAsync(who, request, invocation, words, confirmed, output, stop.Token);
        }
        catch (PaletteUsageException usage)
        {
            await output.ErrorAsync(usage.Message);
            exit = PaletteExit.Usage;
        }
        catch (OperationCanceledException) when (caller.IsCancellationRequested)
        {
            LogLeft(words[0], words[1]);
            return;
        }
        catch (OperationCanceledException) when (ending.IsCancellationRequested)
        {
            await output.ErrorAsync("The node is stopping: nothing more will come from it.");
            exit = PaletteExit.Done;
        }
        catch (Exception failure)
        {
            LogFailed(failure, words[0], words[1]);
            await output.ErrorAsync($"The node failed at this command ({failure.GetType().Name}); its log says more: pbm log tail --level error.");
            exit = PaletteExit.Refused;
        }
        await output.ExitAsync(exit);
    }

    private async Task<PaletteExit> CarryOutAsync(
        OperatorIdentity who, string request, PaletteInvocation invocation, IReadOnlyList<string> words, bool confirmed, PaletteOutput output, CancellationToken stop)
    {
        var command = invocation.Command;
        var title = $"{invocation.Palette.Name} {command.Name}";
        var writes = command.ChangesSomething(invocation);
        var needed = writes || command.WritesWith is null ? command.Role : OperatorRole.Viewer;
        if (who.Role < needed)
        {
            await output.ErrorAsync($"{title} needs the role {Name(needed)}; your key has {Name(who.Role)}.");
            return PaletteExit.NotAllowed;
        }
        if (command.Destructive && !confirmed)
        {
            await output.ErrorAsync($"{title} cannot be taken back. Say --yes to confirm it.");
            return PaletteExit.Usage;
        }
        if (!writes)
            return await command.Run(invocation, output, stop);

        if (await audit.WriteAsync(request, who, words, invocation.Reason, exit: null, stop) is { } fault)
        {
            await output.ErrorAsync($"Nothing was done: {fault} Changes by operators must leave a trace; make the file writable and try again.");
            return PaletteExit.TryAgain;
        }
        LogWrites(who.Name, title, invocation.Reason ?? "-");
        PaletteExit? exit = null;
        try
        {
            exit = await command.Run(invocation, output, stop);
            return exit.Value;
        }
        finally
        {
            if (await audit.WriteAsync(request, who, words, invocation.Reason, (int)(exit ?? PaletteExit.Refused), CancellationToken.None) is { } lost)
                LogAuditLost(title, lost);
        }
    }

    private static string Name(OperatorRole role) => role.ToString().ToLowerInvariant();
}
