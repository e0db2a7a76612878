using System.Globalization;
using System.Text.Json;
using Backhaul.Node.Files;
using Backhaul.Node.Routing;
using Backhaul.Node.Sessions;
using Backhaul.Protocol;

namespace Backhaul.Node.Api;

/// <summary>
/// <c>…/tasks/{task}/content</c>: the file of a finished download, and the durable bytes of one under way. The session's owner says where the
/// bytes lie and which of them are durable; this node reads them from the storage itself, so that none crosses between nodes.
/// With <c>wait</c> the answer comes when the bytes asked for are there; it looks again and again, since nothing else depends on it.
/// </summary>
internal static class ContentEndpoints
{
    private const int WaitSecondsMax = 60;
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(1);

    public static async Task<IResult> GetAsync(
        HttpContext context, string session, string task, ICommandRouter router, SessionCalls calls, IContainers containers, TimeProvider time)
    {
        if (!SessionCalls.TryGetSession(context, session, out var key, out var problem) || !calls.TryGetDeadline(context, out var deadline, out problem))
            return Problems.Result(problem);
        if (!TaskId.TryParse(task, out var id))
            return Problems.Result(400, ProblemCodes.InvalidIdentifier, TaskId.Rule);
        if (!TryReadWait(context.Request, out var wait))
            return Problems.Result(400, ProblemCodes.InvalidField, $"wait is a number of seconds from 0 to {WaitSecondsMax}.", "wait");
        var (began, pause) = (time.GetTimestamp(), FirstPause);
        while (true)
        {
            var reply = await router.ExecuteAsync(key, new SessionCommand.LocateContent(id), null, deadline, context.RequestAborted);
            if (reply is not CommandReply.Done { Status: StatusCodes.Status200OK } done)
                return Replies.ToResult(reply);
            var content = JsonSerializer.Deserialize(done.Json.Span, SessionJson.Default.TaskContent)!;
            var isLast = time.GetElapsedTime(began) >= wait;
            try
            {
                if (await AnswerAsync(context.Request, key, id, content, containers, isLast) is { } answer)
                    return answer;
            }
            catch (StorageException refused)
            {
                return Problems.Result(StorageProblems.Of(refused));
            }
            await Task.Delay(pause, time, context.RequestAborted);
            pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
        }
    }

    /// <summary>Null: wait and look again.</summary>
    private static async ValueTask<IResult?> AnswerAsync(
        HttpRequest request, SessionKey key, TaskId id, TaskContent content, IContainers containers, bool isLast)
    {
        if (content is { Outcome: "succeeded", File: { } file })
            return await FinishedAsync(request, key, id, file, containers);
        if (content.Kind == "upload" || content.Outcome is not null)
            return None(content);
        var range = PartRange.Of(request.GetTypedHeaders().Range, content.Durable ?? RangeSet.Empty, content.Total);
        if (range.IsBeyond)
            return Problems.Result(416, ProblemCodes.RangeNotSatisfiable, $"The file has {content.Total} bytes. Ask for a range that begins before its end.");
        if (range.IsReady || (isLast && range.To > range.From))
        {
            var part = await containers.OpenPartAsync(
                key, content.Generation, id, ContainerName.Parse(content.Container!), content.Part!, request.HttpContext.RequestAborted);
            if (part is not null && part.Length >= range.To)
                return new PartAnswer(part, range.From, range.To, content.Total);
            // It was published or began anew since the owner answered: the next look says which.
            if (part is not null)
                await part.DisposeAsync();
        }
        return isLast ? None(content) : null;
    }

    private static async ValueTask<IResult> FinishedAsync(HttpRequest request, SessionKey key, TaskId id, FileView file, IContainers containers)
    {
        var opened = await ResultPath.OpenAsync(containers, key, id, file, request.HttpContext.RequestAborted);
        // Another file may have been put at a destination, of the same length even: the validator tells. Tasks that ended long ago may have none.
        if (opened is not null && opened.Length == file.Length && (file.ETag is null || opened.ETag == file.ETag))
            return new FileAnswer(opened, file.ETag is not null || file.Path.StartsWith(".backhaul/", StringComparison.Ordinal) ? file.Sha256 : null);
        if (opened is not null)
            await opened.DisposeAsync();
        return Problems.Result(404, ProblemCodes.NoContent, file.Path.StartsWith(ResultPath.Folder + "/", StringComparison.Ordinal)
            ? "The task had no destination, so its file lived until its taskCompleted was acknowledged. Download it again with a destination, or read it before the acknowledgement."
            : "The task's file was removed or replaced since the task ended. Download it again with a new task.");
    }

    private static IResult None(TaskContent content) => Problems.Result(404, ProblemCodes.NoContent, content switch
    {
        { Kind: "upload", Outcome: null } => $"The upload is {content.State}. Its content is what its target answers, when it has succeeded.",
        { Kind: "upload", Outcome: "succeeded" } => "The upload has no content: its target's answer had none, or was too long for this node to keep, or could not be stored.",
        { Outcome: { } outcome } => $"The task ended as {outcome} and has no content.",
        { Part: null } => $"The task is {content.State}, and nothing of it is durable yet. Ask with wait, or wait for its event taskCompleted.",
        _ => $"The task is {content.State}, and the bytes asked for are not durable yet. Ask for a range that is (see …/ranges), with wait, or wait for its event taskCompleted.",
    });

    private static bool TryReadWait(HttpRequest request, out TimeSpan wait)
    {
        wait = TimeSpan.Zero;
        if (!request.Query.TryGetValue("wait", out var text))
            return true;
        if (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) || seconds > WaitSecondsMax)
            return false;
        wait = TimeSpan.FromSeconds(seconds);
        return true;
    }
}
