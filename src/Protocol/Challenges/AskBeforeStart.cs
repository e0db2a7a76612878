namespace Backhaul.Protocol;

/// <summary>Whether the client is asked before a task starts. Every field is optional.</summary>
public sealed record AskBeforeStart
{
    /// <summary><c>start</c> (the default): before its first attempt. <c>everyAttempt</c>: before each one, for URLs and tokens that expire.</summary>
    public string? When { get; init; }

    /// <summary>How long an answer is waited for, from one second to seven days. Default five minutes.</summary>
    public TimeSpan? Timeout { get; init; }

    /// <summary>What holds without an answer: <c>continue</c> (the default) or <c>cancel</c>.</summary>
    public string? Default { get; init; }
}

/// <summary>The answer to a delayed request: whether, and how, a task starts.</summary>
public sealed record DelayedRequestAnswer
{
    /// <summary><c>continue</c>, <c>useNewRequest</c> (with a URL, headers, or both) or <c>cancel</c>.</summary>
    public string? Answer { get; init; }

    /// <summary>Another URL; bytes are kept when the validator and the length agree.</summary>
    public string? Url { get; init; }

    /// <summary>The new headers, all of them.</summary>
    public IReadOnlyDictionary<string, string>? Headers { get; init; }

    /// <summary>The attempt that is asked about, as the event says: a later question is then not answered by mistake.</summary>
    public int? Attempt { get; init; }
}
