using System.Text;

namespace Backhaul.Pbm;

/// <summary>The process's own console.</summary>
internal sealed class SystemTerminal : ITerminal
{
    private SystemTerminal(bool isInteractive) => IsInteractive = isInteractive;

    public TextWriter Output => Console.Out;

    public TextWriter Errors => Console.Error;

    public bool IsInteractive { get; }

    public int Width
    {
        get
        {
            try
            {
                return Console.WindowWidth is > 0 and var width ? width : 80;
            }
            catch (IOException)
            {
                // A terminal that does not know its size.
                return 80;
            }
        }
    }

    public bool EditsLine
    {
        set
        {
            if (IsInteractive)
                Console.TreatControlCAsInput = value;
        }
    }

    public static SystemTerminal Open()
    {
        Console.OutputEncoding = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false);
        return new SystemTerminal(!Console.IsInputRedirected && !Console.IsOutputRedirected);
    }

    public async ValueTask<string?> ReadLineAsync(CancellationToken stop) => await Console.In.ReadLineAsync(stop);

    public ConsoleKeyInfo ReadKey() => Console.ReadKey(intercept: true);

    public IDisposable OnInterrupt(Action interrupted) => new Interrupt(interrupted);

    private sealed class Interrupt : IDisposable
    {
        private readonly Action _interrupted;

        public Interrupt(Action interrupted)
        {
            _interrupted = interrupted;
            Console.CancelKeyPress += Handle;
        }

        public void Dispose() => Console.CancelKeyPress -= Handle;

        private void Handle(object? sender, ConsoleCancelEventArgs pressed)
        {
            pressed.Cancel = true;
            _interrupted();
        }
    }
}
