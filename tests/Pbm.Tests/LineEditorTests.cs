using Xunit;

namespace Backhaul.Pbm.Tests;

public sealed class LineEditorTests
{
    private static readonly ConsoleKeyInfo Left = new('\0', ConsoleKey.LeftArrow, false, false, false);
    private static readonly ConsoleKeyInfo Down = new('\0', ConsoleKey.DownArrow, false, false, false);
    private static readonly ConsoleKeyInfo Back = new('\b', ConsoleKey.Backspace, false, false, false);

    [Fact]
    public void A_line_is_edited_with_the_usual_keys()
    {
        Assert.Equal("task list", Read(t => t.Types("ask lisr").Presses(Back).Types("t").Presses(ScriptedTerminal.Control(ConsoleKey.A)).Types("t")).Text);
        Assert.Equal("ab", Read(t => t.Types("abc def").Presses(ScriptedTerminal.Control(ConsoleKey.W), Back, Back)).Text);
        Assert.Equal("def abc ", Read(t => t.Types("abc def").Presses(
            ScriptedTerminal.Control(ConsoleKey.LeftArrow), ScriptedTerminal.Control(ConsoleKey.U), ScriptedTerminal.Control(ConsoleKey.E))
            .Types(" ").Presses(ScriptedTerminal.Control(ConsoleKey.Y))).Text);
        Assert.Equal("ab", Read(t => t.Types("abc").Presses(Left, ScriptedTerminal.Control(ConsoleKey.K))).Text);
        Assert.Equal("a", Read(t => t.Types("a\ud83d\ude00").Presses(Back)).Text);
    }

    [Fact]
    public void Control_c_throws_the_line_away_and_control_d_leaves_only_an_empty_one()
    {
        Assert.Equal(LineEnd.Abandoned, Read(t => t.Types("abc").Presses(ScriptedTerminal.Control(ConsoleKey.C)), enter: false).End);
        Assert.Equal(LineEnd.Closed, Read(t => t.Presses(ScriptedTerminal.ControlD), enter: false).End);
        Assert.Equal("ac", Read(t => t.Types("abc").Presses(Left, Left, ScriptedTerminal.ControlD)).Text);
    }

    [Fact]
    public void The_history_is_walked_and_the_draft_comes_back()
    {
        var history = History.InMemory();
        history.Add("first");
        history.Add("second");
        Assert.Equal("first", Read(t => t.Types("dr").Presses(ScriptedTerminal.Up, ScriptedTerminal.Up, ScriptedTerminal.Up), history).Text);
        Assert.Equal("draft", Read(t => t.Types("dr").Presses(ScriptedTerminal.Up, Down, Down).Types("aft"), history).Text);
    }

    [Fact]
    public void Tab_completes_what_is_certain_and_lists_the_rest()
    {
        static Completion Complete(string line) => new(line, new[] { "session", "system" }.Where(w => w.StartsWith(line, StringComparison.Ordinal)).ToList());
        var terminal = new ScriptedTerminal(isInteractive: true);
        terminal.Types("se").Presses(ScriptedTerminal.Tab, ScriptedTerminal.Enter);
        Assert.Equal("session ", new LineEditor(terminal, History.InMemory(), Complete).Read("> ").Text);
        terminal.Types("s").Presses(ScriptedTerminal.Tab, ScriptedTerminal.Enter);
        Assert.Equal("s", new LineEditor(terminal, History.InMemory(), Complete).Read("> ").Text);
        Assert.Contains("session  system", terminal.Said, StringComparison.Ordinal);
    }

    [Fact]
    public void A_line_longer_than_the_terminal_scrolls_and_never_wraps()
    {
        var terminal = new ScriptedTerminal(isInteractive: true) { Width = 30 };
        var line = string.Concat(Enumerable.Range(0, 20).Select(i => $"word{i} "));
        terminal.Types(line).Presses(ScriptedTerminal.Control(ConsoleKey.A), ScriptedTerminal.Enter);
        Assert.Equal(line, new LineEditor(terminal, History.InMemory(), _ => new Completion("", [])).Read("[n] pbm> ").Text);
        foreach (var drawn in terminal.Said.Split("\r\u001b[K", StringSplitOptions.RemoveEmptyEntries))
            Assert.True(drawn.Split('\r')[0].Length < 30, drawn);
    }

    [Fact]
    public void The_history_is_bounded_kept_private_and_found_again()
    {
        var directory = Directory.CreateTempSubdirectory("pbm-history-").FullName;
        var path = Path.Combine(directory, "backhaul", "pbm_history");
        var history = History.Load(path);
        for (var i = 0; i < History.LinesMax + 5; i++)
            history.Add($"line {i}");
        history.Add("last");
        history.Add("last");
        history.Add(" hidden");
        var again = History.Load(path);
        Assert.Equal(History.LinesMax, again.Lines.Count);
        Assert.Equal("last", again.Lines[^1]);
        Assert.Equal($"line {History.LinesMax + 4}", again.Lines[^2]);
        if (!OperatingSystem.IsWindows())
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path));
        Directory.Delete(directory, recursive: true);
    }

    private static (LineEnd End, string Text) Read(Func<ScriptedTerminal, ScriptedTerminal> keys, History? history = null, bool enter = true)
    {
        var terminal = keys(new ScriptedTerminal(isInteractive: true));
        if (enter)
            terminal.Presses(ScriptedTerminal.Enter);
        return new LineEditor(terminal, history ?? History.InMemory(), _ => new Completion("", [])).Read("> ");
    }
}
