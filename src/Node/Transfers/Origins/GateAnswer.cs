namespace Backhaul.Node.Transfers.Origins;

/// <summary>Whether a request may be sent to an origin now.</summary>
internal abstract record GateAnswer
{
    private GateAnswer()
    {
    }

    internal sealed record Open : GateAnswer
    {
        public static readonly Open Now = new();
    }

    /// <summary>Not before a time: the attempt ends and its task waits for the reason.</summary>
    internal sealed record WaitUntil(string Reason, DateTimeOffset At, string Why) : GateAnswer;
}

/// <summary>What a request to an origin came to.</summary>
internal abstract record OriginContact
{
    private OriginContact()
    {
    }

    /// <summary>A response's head arrived, whatever it says.</summary>
    internal sealed record Answered(int Status, TimeSpan? RetryAfter) : OriginContact;

    /// <summary>There was no connection: not to be reached, or no TLS handshake with it.</summary>
    internal sealed record Unreachable(string Code, string Message) : OriginContact;

    /// <summary>A connection there was, and what came of it says nothing about the origin as a whole; or nobody waited for it.</summary>
    internal sealed record Undecided : OriginContact
    {
        public static readonly Undecided Instance = new();
    }
}
