using System.Reflection;

namespace Backhaul.Pbm;

/// <summary>
/// The tool <c>pbm</c>. It knows no command by itself: it downloads what a node's palettes say, and sends words back. Three ways to
/// use it: one command and its exit code; a shell for a person; a script from a pipe, one command a line, which ends at the first
/// command that fails.
/// </summary>
internal static class Tool
{
    public static async Task<int> RunAsync(IReadOnlyList<string> args, ITerminal terminal)
    {
        var arguments = ToolArguments.Parse(args, Environment.GetEnvironmentVariable("BACKHAUL_KEY"));
        if (arguments.Fault is { } fault)
        {
            await terminal.Errors.WriteLineAsync(fault);
            return ExitCodes.Usage;
        }
        if (arguments.Version)
        {
            await terminal.Output.WriteLineAsync(
                typeof(Tool).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "0");
            return ExitCodes.Done;
        }
        if (arguments is { Help: true, Words.Count: 0 })
        {
            await terminal.Output.WriteLineAsync(HelpText.OfTool);
            return ExitCodes.Done;
        }
        try
        {
            using var link = new NodeLink(arguments);
            var runner = new CommandRunner(link, arguments, terminal);
            if (arguments.Words.Count > 0)
                return await runner.RunOneAsync(arguments.Words, arguments.Help);
            return terminal.IsInteractive
                ? await new Shell(runner, arguments, terminal, History.Load(History.DefaultPath())).RunAsync()
                : await RunScriptAsync(runner, terminal);
        }
        catch (NodeLinkException failure)
        {
            await terminal.Errors.WriteLineAsync(failure.Message);
            return failure.ExitCode;
        }
    }

    private static async Task<int> RunScriptAsync(CommandRunner runner, ITerminal terminal)
    {
        for (var number = 1; await terminal.ReadLineAsync(CancellationToken.None) is { } line; number++)
        {
            var split = WordSplitter.Split(line);
            if (split.QuoteIsOpen)
            {
                await terminal.Errors.WriteLineAsync($"line {number}: a quote is not closed.");
                return ExitCodes.Usage;
            }
            if (split.Words.Count == 0 || split.Words[0].StartsWith('#'))
                continue;
            if (split.Words is ["exit"])
                break;
            var exit = await runner.RunOneAsync(split.Words, helpWanted: false);
            if (exit != ExitCodes.Done)
            {
                await terminal.Errors.WriteLineAsync($"The script ended at line {number}: {line.Trim()}");
                return exit;
            }
        }
        return ExitCodes.Done;
    }
}
