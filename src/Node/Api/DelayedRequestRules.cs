using Backhaul.Node.Sessions;
using Backhaul.Protocol;

namespace Backhaul.Node.Api;

/// <summary>Questions before a start, and their answers. Pure.</summary>
internal static class DelayedRequestRules
{
    private static readonly TimeSpan TimeoutMin = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan TimeoutMax = TimeSpan.FromDays(7);

    public static Problem? Check(AskBeforeStart? ask) =>
        ask is null ? null
        : ask.When is not (null or "start" or "everyAttempt") ? Invalid("askBeforeStart.when", "must be start or everyAttempt.")
        : ask.Default is not (null or "continue" or "cancel") ? Invalid("askBeforeStart.default", "must be continue or cancel.")
        : ask.Timeout is { } timeout && (timeout < TimeoutMin || timeout > TimeoutMax) ? Invalid("askBeforeStart.timeout", "must be between PT1S and P7D.")
        : null;

    public static Validated<SessionCommand> Validate(TaskId task, DelayedRequestAnswer answer)
    {
        if (answer.Answer is not ("continue" or "useNewRequest" or "cancel"))
            return Invalid("answer", "must be continue, useNewRequest or cancel.");
        if (answer.Attempt < 1)
            return Invalid("attempt", "must be the attempt that the delayedRequest event names.");
        var hasRequest = answer.Url is not null || answer.Headers is not null;
        if (hasRequest != (answer.Answer == "useNewRequest"))
            return Invalid(answer.Headers is not null && answer.Url is null ? "headers" : "url", hasRequest ? "comes with the answer useNewRequest only." : "or headers must come with useNewRequest.");
        if ((answer.Url is null ? null : UrlRules.Check(answer.Url, "url")) is { } badUrl)
            return badUrl;
        return HeaderRules.Check(answer.Headers, "headers") is { } badHeader
            ? badHeader
            : new SessionCommand.AnswerDelayedRequest(task, answer.Answer == "cancel", answer.Url, answer.Headers, answer.Attempt);
    }

    private static Problem Invalid(string field, string what) => Problems.Create(400, ProblemCodes.InvalidField, $"{field} {what}", field);
}
