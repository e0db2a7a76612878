using System.Runtime.InteropServices;
using Backhaul.Node.Sharding;

namespace Backhaul.Node.Hosting;

/// <summary>
/// The end of a node whose shards belong to others: nothing is drained, because nothing of it may be written any more. Whoever
/// started the process starts it again, and the new incarnation joins with nothing. Not Environment.Exit: that runs what libraries have
/// registered for the end of a process, which took seconds.
/// </summary>
internal sealed partial class LostExit(ILogger<LostExit> log) : INodeExit
{
    private int _exits;

    public void Lost(string sentence)
    {
        if (Interlocked.Exchange(ref _exits, 1) != 0)
            return; // many shards may be refused at once
        LogLost(sentence);
        Console.Error.WriteLine($"{sentence} Exiting at once with code {ExitCodes.Lost}; a new start takes part again.");
        Console.Error.Flush();
        EndProcess(ExitCodes.Lost);
    }

    [LibraryImport("libc", EntryPoint = "_exit")]
    private static partial void EndProcess(int code);

    [LoggerMessage(9010, LogLevel.Critical, "{Sentence} This process ends at once")]
    private partial void LogLost(string sentence);
}
