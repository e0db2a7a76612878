using System.Text;
using Backhaul.Node.Files;
using Backhaul.Node.Security;
using Backhaul.Node.Sessions;
using Backhaul.Protocol;

namespace Backhaul.Node.Api;

/// <summary>
/// From a client's words to a task of the domain. Pure, and independent of time: a request that was accepted once is accepted again
/// when it is repeated, whatever the clock says; a deadline in the past is the session's business.
/// </summary>
internal static class TaskRules
{
    private const int DescriptionBytesMax = 16 * 1024;
    private const long BytesPerSecondMin = 1024;
    private static readonly DateTimeOffset Earliest = new(2000, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly DateTimeOffset Latest = new(2200, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <param name="request">A client's words.</param>
    /// <param name="containerExists">Whether this node has a container.</param>
    /// <param name="openResumeData">Opens the caller's resume data, which, unlike all else, ends with time; null: nobody here made any.</param>
    /// <param name="findSecret">The kind of the secret of a name that the caller's tenant may use; null: there are none.</param>
    public static Validated<TaskSpec> Validate(
        TaskRequest request, Func<ContainerName, bool> containerExists, Func<string, Validated<KeptPart>>? openResumeData = null,
        Func<string, SecretKind?>? findSecret = null)
    {
        KeptPart? kept = null;
        if (request.ResumeData is { } document)
        {
            var opened = openResumeData?.Invoke(document) ?? Invalid("resumeData", "is not known here.");
            if (!opened.IsValid)
                return opened.Problem;
            kept = opened.Value;
            request = request with { Kind = request.Kind ?? "download", Url = request.Url ?? kept.Url };
        }
        TaskKind kind;
        switch (request.Kind)
        {
            case "download":
                kind = TaskKind.Download;
                break;
            case "upload":
                kind = TaskKind.Upload;
                break;
            default:
                return Invalid("kind", "must be download or upload.");
        }
        TaskId? id = null;
        if (request.Id is not null)
        {
            if (!TaskId.TryParse(request.Id, out var chosen) || chosen.IsGiven)
                return Problems.Create(400, ProblemCodes.InvalidIdentifier, TaskId.Rule, "id");
            id = chosen;
        }
        var method = (request.Method ?? UsualMethod(kind, request)).ToUpperInvariant();
        var problem = UrlRules.Check(request.Url, "url")
            ?? DelayedRequestRules.Check(request.AskBeforeStart)
            ?? NotifyRules.Check(request.Notify, findSecret ?? (static _ => null))
            ?? GroupRules.Check(request.Group, "group")
            ?? GroupRules.Check(request.CompletionGroup, "completionGroup")
            ?? CheckMethod(kind, method)
            ?? HeaderRules.Check(request.Headers, "headers")
            ?? CheckFiles(kind, method, request, containerExists)
            ?? CheckDescription(request.Description)
            ?? CheckPriority(request.Priority)
            ?? CheckTimes(request)
            ?? CheckExpectedBytes(request.ExpectedBytes)
            ?? CheckDigest(kind, request)
            ?? CheckSourceChange(kind, request)
            ?? CheckMaxBytes(kind, request)
            ?? CheckBytesPerSecond(request.BytesPerSecondMax)
            ?? StartRules.CheckCostPolicy(request.CostPolicy)
            ?? CheckRandomAccess(kind, method, request)
            ?? CheckKept(kept, kind, method, request, containerExists)
            ?? CheckBody(kind, method, request, containerExists)
            ?? RetryRules.CheckAcceptStatus(request.AcceptStatus, "acceptStatus")
            ?? RetryRules.CheckAcceptStatus(request.RecoverableStatus, "recoverableStatus")
            ?? RetryRules.Check(request.Retry, "retry");
        if (problem is not null)
            return problem;
        return new TaskSpec
        {
            Id = id,
            Kind = kind,
            Url = request.Url!,
            Method = method,
            Headers = request.Headers is { Count: > 0 } headers ? headers : null,
            Source = request.Source,
            Destination = request.Destination,
            Description = request.Description,
            Start = request.Start ?? true,
            Priority = request.Priority ?? 0.5,
            Group = GroupRules.ToName(request.Group),
            AskBeforeStart = request.AskBeforeStart,
            CompletionGroup = GroupRules.ToName(request.CompletionGroup),
            EarliestBeginAt = request.EarliestBeginAt,
            Deadline = request.Deadline,
            ExpectedBytes = request.ExpectedBytes,
            Sha256 = request.Digest?.Value.ToLowerInvariant(),
            AcceptStatus = request.AcceptStatus is { Count: > 0 } accept ? accept : null,
            Retry = request.Retry,
            SourceChange = ToPolicy(request.SourceChange) ?? SourceChangePolicy.Restart,
            MaxBytes = request.MaxBytes,
            RecoverableStatus = request.RecoverableStatus is { Count: > 0 } recoverable ? recoverable : null,
            Body = request.Body,
            RandomAccess = request.RandomAccess ?? false,
            Parts = request.Parts,
            Multipart = request.Multipart,
            UploadProtocol = UploadRules.ToProtocol(request.UploadProtocol),
            BytesPerSecondMax = request.BytesPerSecondMax,
            Notify = request.Notify,
            CostPolicy = request.CostPolicy is { } cost ? StartTerms.CostPolicyOf(cost) : null,
            Unconstrained = request.Unconstrained ?? false,
            Kept = kept,
        };
    }

    /// <summary>The same rules for what may be changed later; <c>notify</c> that names nobody lifts it.</summary>
    public static Problem? Check(TaskChange change, Func<string, SecretKind?>? findSecret = null) =>
        (change.Url is null ? null : UrlRules.Check(change.Url, "url"))
        ?? HeaderRules.Check(change.Headers, "headers")
        ?? CheckPriority(change.Priority)
        ?? CheckDescription(change.Description)
        ?? CheckTime(change.EarliestBeginAt, "earliestBeginAt")
        ?? (change.Notify == new TaskNotify() ? null : NotifyRules.Check(change.Notify, findSecret ?? (static _ => null)))
        ?? (change.BytesPerSecondMax == 0 ? null : CheckBytesPerSecond(change.BytesPerSecondMax));

    public static Problem? CheckBytesPerSecond(long? most) =>
        most is null or >= BytesPerSecondMin ? null : Invalid("bytesPerSecondMax", $"must be at least {BytesPerSecondMin} bytes per second.");

    private static string UsualMethod(TaskKind kind, TaskRequest request) =>
        kind != TaskKind.Upload ? "GET" : UploadRules.ToProtocol(request.UploadProtocol) == UploadProtocol.S3 ? "PUT" : "POST";

    private static Problem? CheckMethod(TaskKind kind, string method)
    {
        if (kind == TaskKind.Upload)
            return method is "PUT" or "POST" ? null : Invalid("method", "of an upload must be POST or PUT.");
        if (!HeaderRules.IsToken(method) || method.Length > 32)
            return Invalid("method", "is not an HTTP method.");
        return method is "CONNECT" or "TRACE" ? Invalid("method", "must not be CONNECT or TRACE.") : null;
    }

    private static Problem? CheckFiles(TaskKind kind, string method, TaskRequest request, Func<ContainerName, bool> containerExists) =>
        UploadRules.Check(kind, method, request, containerExists)
        ?? CheckContainer(request.Destination?.Container, "destination.container", containerExists);

    public static Problem? CheckContainer(ContainerName? container, string field, Func<ContainerName, bool> containerExists) =>
        container is not { } name || containerExists(name)
            ? null
            : Problems.Create(400, ProblemCodes.UnknownContainer, $"There is no container {name}. Use one that the node is configured with; default always exists.", field);

    private static Problem? CheckDescription(string? description) =>
        description is null || Encoding.UTF8.GetByteCount(description) <= DescriptionBytesMax
            ? null
            : Invalid("description", $"is longer than {DescriptionBytesMax} bytes.");

    private static Problem? CheckPriority(double? priority) =>
        priority is null or (>= 0 and <= 1) ? null : Invalid("priority", "must be a number from 0 to 1.");

    private static Problem? CheckKept(KeptPart? kept, TaskKind kind, string method, TaskRequest request, Func<ContainerName, bool> containerExists)
    {
        if (kept is null)
            return null;
        if (kind == TaskKind.Upload)
            return Invalid("resumeData", "is for downloads.");
        if (method != "GET")
            return Invalid("resumeData", "needs the method GET; others have no ranges.");
        if (!kept.Fits(request.Url!, request.Digest is not null))
        {
            return Invalid("url",
                "is not the one of the resume data, which has no length or no entity tag (or, of a part with all bytes, no digest in the task) that could prove that both name the same file. Leave url or resumeData out.");
        }
        return CheckContainer(kept.Container, "resumeData", containerExists);
    }

    private static Problem? CheckTimes(TaskRequest request)
    {
        if ((CheckTime(request.EarliestBeginAt, "earliestBeginAt") ?? CheckTime(request.Deadline, "deadline")) is { } problem)
            return problem;
        return request is { EarliestBeginAt: { } begin, Deadline: { } end } && end <= begin
            ? Invalid("deadline", "must be after earliestBeginAt.")
            : null;
    }

    private static Problem? CheckTime(DateTimeOffset? time, string field) =>
        time is null || (time >= Earliest && time < Latest) ? null : Invalid(field, "must be a time from the year 2000 to 2199.");

    private static Problem? CheckExpectedBytes(ExpectedBytes? expected) =>
        expected?.Send < 0 ? Invalid("expectedBytes.send", "must not be negative.")
        : expected?.Receive < 0 ? Invalid("expectedBytes.receive", "must not be negative.")
        : null;

    private static Problem? CheckDigest(TaskKind kind, TaskRequest request)
    {
        if (request.Digest is not { } digest)
            return null;
        if (kind == TaskKind.Upload)
            return Invalid("digest", "belongs to downloads.");
        if (!string.Equals(digest.Algorithm, "sha-256", StringComparison.OrdinalIgnoreCase))
            return Invalid("digest.algorithm", "must be sha-256.");
        return digest.Value is { Length: 64 } hex && hex.All(char.IsAsciiHexDigit)
            ? null
            : Invalid("digest.value", "must be the 64 hexadecimal digits of a SHA-256.");
    }

    private static Problem? CheckSourceChange(TaskKind kind, TaskRequest request)
    {
        if (request.SourceChange is null)
            return null;
        if (kind == TaskKind.Upload)
            return Invalid("sourceChange", "belongs to downloads.");
        return ToPolicy(request.SourceChange) switch
        {
            null => Invalid("sourceChange", "must be restart, fail or acceptIfDigest."),
            SourceChangePolicy.AcceptIfDigest when request.Digest is null => Invalid("sourceChange", "acceptIfDigest needs a digest to check the content with."),
            _ => null,
        };
    }

    private static SourceChangePolicy? ToPolicy(string? word) => word switch
    {
        "restart" => SourceChangePolicy.Restart,
        "fail" => SourceChangePolicy.Fail,
        "acceptIfDigest" => SourceChangePolicy.AcceptIfDigest,
        _ => null,
    };

    private static Problem? CheckMaxBytes(TaskKind kind, TaskRequest request) =>
        request.MaxBytes is null ? null
        : kind == TaskKind.Upload ? Invalid("maxBytes", "belongs to downloads.")
        : request.MaxBytes > 0 ? null
        : Invalid("maxBytes", "must be more than 0.");

    private static Problem? CheckBody(TaskKind kind, string method, TaskRequest request, Func<ContainerName, bool> containerExists) =>
        request.Body is not { } body ? null
        : kind == TaskKind.Upload ? Invalid("body", "belongs to downloads; an upload sends its source.")
        : method is "GET" or "HEAD" ? Invalid("body", $"cannot come with {method}; name a method that carries one, such as POST.")
        : CheckContainer(body.Container, "body.container", containerExists);

    private static Problem? CheckRandomAccess(TaskKind kind, string method, TaskRequest request) =>
        request.RandomAccess is not true ? null
        : kind == TaskKind.Upload ? Invalid("randomAccess", "belongs to downloads.")
        : method != "GET" ? Invalid("randomAccess", "needs the method GET; others have no ranges.")
        : null;

    private static Problem Invalid(string field, string what) => Problems.Create(400, ProblemCodes.InvalidField, $"{field} {what}", field);
}
