using Backhaul.Protocol;

namespace Backhaul.Client;

/// <summary>
/// A call was refused, or had no answer before its deadline. <see cref="Code"/> is one of <see cref="ProblemCodes"/>, or one of
/// <see cref="ClientCodes"/> when the cause lies on the way.
/// </summary>
public sealed class BackhaulException : Exception
{
    /// <summary>Makes an exception of an error answer.</summary>
    public BackhaulException(Problem problem, Exception? cause = null)
        : base(Sentence(problem), cause) => Problem = problem;

    /// <summary>The error answer.</summary>
    public Problem Problem { get; }

    /// <summary>The stable code.</summary>
    public string Code => Problem.Code;

    /// <summary>What is wrong and what to do.</summary>
    public string Detail => Problem.Detail;

    /// <summary>The HTTP status; 0 when there was no answer.</summary>
    public int Status => Problem.Status;

    /// <summary>The field that is wrong, as a JSON path.</summary>
    public string? Field => Problem.Field;

    /// <summary>How long the node asked to wait before the same request is sent again.</summary>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>True when nothing was decided: the same call may succeed later. False for decisions, which no repetition changes.</summary>
    public bool IsTransient { get; init; }

    private static string Sentence(Problem problem)
    {
        ArgumentNullException.ThrowIfNull(problem);
        return problem.Field is { } field ? $"{problem.Detail} [{problem.Code}, {field}]" : $"{problem.Detail} [{problem.Code}]";
    }
}

/// <summary>Codes of failures that no node decided.</summary>
public static class ClientCodes
{
    /// <summary>No endpoint answered before the call's deadline.</summary>
    public const string Unreachable = "unreachable";

    /// <summary>Something answered that does not speak this protocol, for instance a proxy with a page of its own.</summary>
    public const string UnexpectedAnswer = "unexpectedAnswer";

    /// <summary>The event stream left out events that the session still has.</summary>
    public const string EventGap = "eventGap";

    /// <summary>The file changed while it was read into a stream that cannot go back.</summary>
    public const string FileChanged = "fileChanged";
}
