namespace Backhaul.Pbm;

/// <summary>Where the tool reads and writes; a seam, so that tests can be the person at the keyboard.</summary>
internal interface ITerminal
{
    TextWriter Output { get; }

    TextWriter Errors { get; }

    /// <summary>A person is there: keys can be read one by one, and questions asked.</summary>
    bool IsInteractive { get; }

    int Width { get; }

    /// <summary>A line of piped input; null at its end.</summary>
    ValueTask<string?> ReadLineAsync(CancellationToken stop);

    /// <summary>A key; interactive terminals only.</summary>
    ConsoleKeyInfo ReadKey();

    /// <summary>True while a line is edited: Ctrl-C is a key then. False: it calls what <see cref="OnInterrupt"/> was given.</summary>
    bool EditsLine { set; }

    /// <summary>Ctrl-C calls this until the answer is disposed; without it, Ctrl-C ends the tool.</summary>
    IDisposable OnInterrupt(Action interrupted);
}
