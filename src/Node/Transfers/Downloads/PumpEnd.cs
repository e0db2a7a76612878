namespace Backhaul.Node.Transfers.Downloads;

/// <summary>How the reading of a body, a connection or the filling of a part ended.</summary>
internal abstract record PumpEnd
{
    private PumpEnd()
    {
    }

    /// <summary>It ended as it should, and everything that came in is written.</summary>
    internal sealed record Finished : PumpEnd
    {
        public static readonly Finished Instance = new();
    }

    internal sealed record Broken(AttemptFailure Failure) : PumpEnd;

    /// <summary>Asked to stop.</summary>
    internal sealed record Stopped : PumpEnd;

    /// <summary>A report was answered with no: nothing more may be reported.</summary>
    internal sealed record Unwanted : PumpEnd;

    /// <summary>This node may not act any more: nothing more may be reported either.</summary>
    internal sealed record Untrusted : PumpEnd;

    /// <summary>The answer to a segment is not the bytes asked for; those that were proven stay.</summary>
    internal sealed record Refused : PumpEnd;

    /// <summary>The source changed under the download.</summary>
    internal sealed record Changed(ResumeStep Step) : PumpEnd;
}
