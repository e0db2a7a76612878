using System.Collections.Concurrent;

namespace Backhaul.Pbm.Tests;

/// <summary>A person who types what the test says, or a pipe.</summary>
internal sealed class ScriptedTerminal(bool isInteractive) : ITerminal
{
    private readonly BlockingCollection<ConsoleKeyInfo> _keys = [];
    private readonly Queue<string> _lines = new();
    private volatile Action? _interrupted;

    public static readonly ConsoleKeyInfo Tab = new('\t', ConsoleKey.Tab, false, false, false);
    public static readonly ConsoleKeyInfo Enter = new('\r', ConsoleKey.Enter, false, false, false);
    public static readonly ConsoleKeyInfo Up = new('\0', ConsoleKey.UpArrow, false, false, false);
    public static readonly ConsoleKeyInfo ControlD = Control(ConsoleKey.D);

    private readonly LockedWriter _said = new();
    private readonly LockedWriter _complained = new();

    public string Said => _said.ToString();

    public string Complained => _complained.ToString();

    public TextWriter Output => _said;

    public TextWriter Errors => _complained;

    public bool IsInteractive => isInteractive;

    public int Width { get; set; } = 80;

    public bool EditsLine { get; set; }

    public bool CanBeInterrupted => _interrupted is not null;

    public static ConsoleKeyInfo Control(ConsoleKey key) => new((char)(key - ConsoleKey.A + 1), key, false, false, control: true);

    public ScriptedTerminal Types(string text)
    {
        foreach (var c in text)
            _keys.Add(new ConsoleKeyInfo(c, default, char.IsUpper(c), false, false));
        return this;
    }

    public ScriptedTerminal Presses(params ConsoleKeyInfo[] keys)
    {
        foreach (var key in keys)
            _keys.Add(key);
        return this;
    }

    public ScriptedTerminal Pipes(params string[] lines)
    {
        foreach (var line in lines)
            _lines.Enqueue(line);
        return this;
    }

    public void Interrupt() => _interrupted?.Invoke();

    public ValueTask<string?> ReadLineAsync(CancellationToken stop) => new(_lines.TryDequeue(out var line) ? line : null);

    public ConsoleKeyInfo ReadKey() => _keys.TryTake(out var key, TimeSpan.FromSeconds(30)) ? key : throw new TimeoutException("The shell waits for a key that the test never presses.");

    public IDisposable OnInterrupt(Action interrupted)
    {
        _interrupted = interrupted;
        return new Registration(this);
    }

    /// <summary>May be read while it is written.</summary>
    private sealed class LockedWriter : StringWriter
    {
        private readonly Lock _gate = new();

        public override void Write(char value)
        {
            lock (_gate)
                base.Write(value);
        }

        public override void Write(string? value)
        {
            lock (_gate)
                base.Write(value);
        }

        public override void Write(char[] buffer, int index, int count)
        {
            lock (_gate)
                base.Write(buffer, index, count);
        }

        public override Task WriteLineAsync(string? value)
        {
            lock (_gate)
                base.Write(value + "\n");
            return Task.CompletedTask;
        }

        public override string ToString()
        {
            lock (_gate)
                return base.ToString();
        }
    }

    private sealed class Registration(ScriptedTerminal terminal) : IDisposable
    {
        public void Dispose() => terminal._interrupted = null;
    }
}
