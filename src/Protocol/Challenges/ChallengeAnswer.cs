namespace Backhaul.Protocol;

/// <summary>The answer to an authentication challenge that a task waits with.</summary>
public sealed record ChallengeAnswer
{
    /// <summary>
    /// <c>useCredential</c> (with a secret or a credential), <c>performDefaultHandling</c> (as if nobody had been asked: the task fails with the status),
    /// <c>cancel</c>, or <c>rejectProtectionSpace</c> (the next challenge that the server offers, if there is one).
    /// </summary>
    public string? Answer { get; init; }

    /// <summary>The name of a secret of the kind <c>basic</c> or <c>bearer</c>.</summary>
    public string? Secret { get; init; }

    /// <summary>A credential of this answer only; it is kept sealed, and shown to nobody.</summary>
    public GivenCredential? Credential { get; init; }

    /// <summary>The attempt that was asked, as the event says: a later question is then not answered by mistake.</summary>
    public int? Attempt { get; init; }
}

/// <summary>A user and password (for Basic and Digest), or a token (for Bearer).</summary>
public sealed record GivenCredential
{
    /// <summary>The user.</summary>
    public string? UserName { get; init; }

    /// <summary>The user's password.</summary>
    public string? Password { get; init; }

    /// <summary>A token, in place of both.</summary>
    public string? Token { get; init; }

    /// <summary>Says nothing of its values.</summary>
    public override string ToString() => "a credential";
}
