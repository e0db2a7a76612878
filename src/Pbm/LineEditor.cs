namespace Backhaul.Pbm;

/// <summary>How the reading of a line ended.</summary>
internal enum LineEnd
{
    Entered,

    /// <summary>Ctrl-C: the line is thrown away.</summary>
    Abandoned,

    /// <summary>Ctrl-D on an empty line.</summary>
    Closed,
}

/// <summary>
/// Reads one line with the keys of a usual shell: arrows, Home, End, Ctrl-A E B F K U W Y L, Alt-B F, history with the arrows and
/// Ctrl-P N, completion with Tab. The line stays on one row of the terminal and scrolls sideways when it is longer.
/// </summary>
internal sealed class LineEditor(ITerminal terminal, History history, Func<string, Completion> complete)
{
    private readonly LineBuffer _line = new();
    private string _prompt = "";
    private int _scroll;
    private int _at;
    private string _draft = "";

    public (LineEnd End, string Text) Read(string prompt)
    {
        _prompt = prompt;
        _scroll = 0;
        _at = history.Lines.Count;
        _draft = "";
        _line.Set("");
        terminal.EditsLine = true;
        try
        {
            while (true)
            {
                Draw();
                if (Take(terminal.ReadKey()) is { } end)
                {
                    _line.End();
                    Draw();
                    terminal.Output.WriteLine(end == LineEnd.Abandoned ? "^C" : "");
                    return (end, _line.Text);
                }
            }
        }
        finally
        {
            terminal.EditsLine = false;
        }
    }

    private LineEnd? Take(ConsoleKeyInfo key)
    {
        if (key.Modifiers.HasFlag(ConsoleModifiers.Control))
            return TakeControl(key);
        switch (key.Key)
        {
            case ConsoleKey.Enter:
                return LineEnd.Entered;
            case ConsoleKey.Tab:
                Complete();
                break;
            case ConsoleKey.LeftArrow:
                _line.Left();
                break;
            case ConsoleKey.RightArrow:
                _line.Right();
                break;
            case ConsoleKey.Home:
                _line.Home();
                break;
            case ConsoleKey.End:
                _line.End();
                break;
            case ConsoleKey.UpArrow:
                Recall(-1);
                break;
            case ConsoleKey.DownArrow:
                Recall(1);
                break;
            case ConsoleKey.Backspace:
                _line.Backspace();
                break;
            case ConsoleKey.Delete:
                _line.Delete();
                break;
            case ConsoleKey.B when key.Modifiers.HasFlag(ConsoleModifiers.Alt):
                _line.WordLeft();
                break;
            case ConsoleKey.F when key.Modifiers.HasFlag(ConsoleModifiers.Alt):
                _line.WordRight();
                break;
            default:
                if (!char.IsControl(key.KeyChar) && key.KeyChar != '\0')
                    _line.Insert(key.KeyChar.ToString());
                break;
        }
        return null;
    }

    private LineEnd? TakeControl(ConsoleKeyInfo key)
    {
        switch (key.Key)
        {
            case ConsoleKey.C:
                return LineEnd.Abandoned;
            case ConsoleKey.D when _line.Text.Length == 0:
                return LineEnd.Closed;
            case ConsoleKey.D:
                _line.Delete();
                break;
            case ConsoleKey.J or ConsoleKey.M:
                return LineEnd.Entered;
            case ConsoleKey.A:
                _line.Home();
                break;
            case ConsoleKey.E:
                _line.End();
                break;
            case ConsoleKey.B:
                _line.Left();
                break;
            case ConsoleKey.F:
                _line.Right();
                break;
            case ConsoleKey.LeftArrow:
                _line.WordLeft();
                break;
            case ConsoleKey.RightArrow:
                _line.WordRight();
                break;
            case ConsoleKey.H:
                _line.Backspace();
                break;
            case ConsoleKey.K:
                _line.KillToEnd();
                break;
            case ConsoleKey.U:
                _line.KillToStart();
                break;
            case ConsoleKey.W or ConsoleKey.Backspace:
                _line.KillWord();
                break;
            case ConsoleKey.Y:
                _line.Yank();
                break;
            case ConsoleKey.P:
                Recall(-1);
                break;
            case ConsoleKey.N:
                Recall(1);
                break;
            case ConsoleKey.L:
                terminal.Output.Write("\x1b[H\x1b[2J");
                break;
            default:
                break;
        }
        return null;
    }

    private void Recall(int step)
    {
        var to = _at + step;
        if (to < 0 || to > history.Lines.Count)
            return;
        if (_at == history.Lines.Count)
            _draft = _line.Text;
        _at = to;
        _line.Set(to == history.Lines.Count ? _draft : history.Lines[to]);
    }

    private void Complete()
    {
        var completion = complete(_line.BeforeCursor);
        if (completion.Candidates.Count == 0)
            return;
        var more = completion.CommonPrefix()[completion.Partial.Length..];
        if (completion.Candidates.Count == 1)
            more += " ";
        if (more.Length > 0)
        {
            _line.Insert(more);
            return;
        }
        terminal.Output.WriteLine();
        terminal.Output.WriteLine(string.Join("  ", completion.Candidates));
    }

    private void Draw()
    {
        // One column is left free: writing into the last one makes some terminals wrap.
        var room = Math.Max(10, terminal.Width - _prompt.Length - 1);
        if (_line.Cursor < _scroll)
            _scroll = _line.Cursor;
        else if (_line.Cursor > _scroll + room)
            _scroll = _line.Cursor - room;
        if (_scroll > 0 && _line.Text.Length - _scroll < room)
            _scroll = Math.Max(0, _line.Text.Length - room);
        var visible = _line.Text.Substring(_scroll, Math.Min(room, _line.Text.Length - _scroll));
        var column = _prompt.Length + _line.Cursor - _scroll;
        terminal.Output.Write($"\r\x1b[K{_prompt}{visible}\r{(column > 0 ? $"\x1b[{column}C" : "")}");
        terminal.Output.Flush();
    }
}
