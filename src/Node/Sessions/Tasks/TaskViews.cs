using System.Globalization;
using Backhaul.Node.Transfers;
using Backhaul.Protocol;

namespace Backhaul.Node.Sessions;

/// <summary>From a task's state, live or archived, to what clients see of it.</summary>
internal static class TaskViews
{
    public static CommandReply.Done Reply(int status, TaskState task, Session session, SessionConditions conditions) =>
        SessionViews.Json(status, View(task, session, conditions), ProtocolJson.Default.TaskView);

    public static TaskView View(TaskState task, Session session, SessionConditions conditions)
    {
        var (reason, until) = task.Phase is TaskPhase.Waiting ? WaitOf(task, session, conditions) : (null, null);
        var (spec, run, end) = (task.Spec, task.Run, task.End);
        return new TaskView
        {
            Id = task.Id.ToString(),
            Kind = KindOf(spec.Kind),
            Url = ShownUrl.Of(spec.Url),
            Method = spec.Method,
            State = StateOf(task.Phase),
            Reason = reason,
            NextEvaluationAt = until,
            Outcome = end?.Outcome,
            Challenge = reason is WaitReasons.Credential ? ChallengeOf(run!) : null,
            Error = end is null ? run?.Error : end.Error,
            Headers = spec.Headers is { } headers ? SecretHeaders.Mask(headers) : null,
            Source = spec.Source,
            Destination = spec.Destination,
            Description = spec.Description,
            Priority = spec.Priority,
            Group = spec.Group?.ToString(),
            CompletionGroup = spec.CompletionGroup?.ToString(),
            EarliestBeginAt = spec.EarliestBeginAt,
            AskBeforeStart = spec.AskBeforeStart,
            Deadline = spec.Deadline,
            CostPolicy = spec.CostPolicy is { } cost ? StartTerms.WordOf(cost) : null,
            Unconstrained = spec.Unconstrained ? true : null,
            UnconstrainedVerdict = VerdictOf(task.Unconstrained),
            Prefetch = task.IsPrefetch ? true : null,
            ExpectedBytes = spec.ExpectedBytes,
            Digest = (end?.Sha256 ?? spec.Sha256) is { } sha256 ? new Digest { Algorithm = "sha-256", Value = sha256 } : null,
            MaxBytes = spec.MaxBytes,
            BytesPerSecondMax = spec.BytesPerSecondMax,
            Notify = spec.Notify is { } notify ? notify with { Success = ShownUrl.Of(notify.Success), Failure = ShownUrl.Of(notify.Failure) } : null,
            RecoverableStatus = spec.RecoverableStatus,
            Body = spec.Body,
            RandomAccess = spec.RandomAccess ? true : null,
            Start = spec.Start ? null : false,
            AcceptStatus = spec.AcceptStatus,
            Retry = spec.Retry,
            SourceChange = spec.SourceChange switch
            {
                SourceChangePolicy.Fail => "fail",
                SourceChangePolicy.AcceptIfDigest => "acceptIfDigest",
                _ => null,
            },
            Parts = spec.Parts?.Select(Shown).ToList(),
            Multipart = spec.Multipart,
            UploadProtocol = spec.UploadProtocol switch
            {
                UploadProtocol.Plain => "plain",
                UploadProtocol.Auto => "auto",
                UploadProtocol.Tus => "tus",
                UploadProtocol.Resumable => "resumable",
                UploadProtocol.S3 => "s3",
                _ => null,
            },
            Progress = ProgressOf(task, conditions.Live(task.Id)),
            Response = (reason is WaitReasons.RecoverableStatus ? run?.Pausing ?? run?.Response : run?.Response) is { } response
                ? new ResponseView { Url = ShownUrl.Of(response.Url), Status = response.Status, Headers = response.Headers }
                : null,
            Resumable = run?.Response is { } head && spec.Kind is TaskKind.Download
                ? new ResumableView { Verdict = head.Resumable ? "yes" : "no", Why = head.ResumableWhy }
                : null,
            Integrity = end?.Integrity,
            Attempts = run?.Attempt ?? 0,
            File = end?.File,
            CreatedAt = task.CreatedAt,
            StartedAt = run?.StartedAt,
            EndedAt = end?.At,
        };
    }

    private static ContentPart Shown(ContentPart part) => part with
    {
        Headers = part.Headers is { } own ? SecretHeaders.Mask(own) : null,
        Text = part.Text is null ? null : SecretHeaders.Masked,
    };

    public static WhyView Why(TaskState task, Session session, SessionConditions conditions)
    {
        var (reason, until) = task.Phase is TaskPhase.Waiting ? WaitOf(task, session, conditions) : (null, null);
        var slots = conditions.Slots;
        var perHost = session.Configurations.Current.MaxConnectionsPerHost!.Value;
        var host = ReadyTasks.HostOf(task.Spec.Url).ToString();
        var last = task.Run?.Error is { } error ? $" The last error was {error.Code}: {error.Message}" : "";
        var sentence = (task.Phase, reason) switch
        {
            (TaskPhase.Suspended, _) => "It is suspended; resume it to let it run.",
            (TaskPhase.Running, _) => $"It is running: attempt {task.Run!.Attempt}, started from byte {task.Run.Attempts[^1].From}.",
            (TaskPhase.Canceling, _) => "It is being cancelled; the attempt under way is stopping.",
            (TaskPhase.Completed, _) => $"It has ended: {task.End!.Outcome}." + (task.End.Error is { } ended ? $" {ended.Message}" : ""),
            (_, WaitReasons.DelayedRequest) when until is not null =>
                $"Its client is asked whether it may start; without an answer it {(task.Spec.AskBeforeStart?.Default == DelayedRequestDecider.Cancel ? "is cancelled" : "goes on")} at {until:u}.",
            (_, WaitReasons.DelayedRequest) => $"Its client is to be asked whether it may start, when fewer than {DelayedRequestDecider.OpenMax} such questions of the session are open.",
            (_, WaitReasons.GroupOrder) => Behind(task, session),
            (TaskPhase.Waiting, _) when IsReady(task, conditions) && !session.Paused && !task.WaitsForClient && conditions.StartHold(task) is { } start => start.Why,
            (TaskPhase.Waiting, _) when IsReady(task, conditions) && !session.Paused && conditions.Held(host) is { } hold => hold.Why,
            (_, WaitReasons.SystemPolicy) => $"It is held back by a policy and is looked at again at {until:u}.{last}",
            (_, WaitReasons.HostLimit) when until is not null => $"A limit of {host} holds it back until {until:u}.{last}",
            (_, WaitReasons.EarliestBegin) => $"It may not begin before {until:u}.",
            (_, WaitReasons.Retry) => $"It is tried again at {until:u}, after {task.Run!.Attempt} attempts.{last}",
            (_, WaitReasons.Storage) => $"There was no room to store it; it is tried again at {until:u}.{last}",
            (_, WaitReasons.NoNetwork) => $"There was no connection; it is tried again at {until:u}.{last}",
            (_, WaitReasons.Credential) => Asked(task.Run!),
            (_, WaitReasons.RecoverableStatus) => $"The server answered with {task.Run?.Pausing?.Status.ToString(CultureInfo.InvariantCulture) ?? "a status"}, which pauses it; resume it, or change its url or headers.{last}",
            (_, WaitReasons.Paused) => "An operator suspended the session; resume the session to let it run.",
            (_, WaitReasons.HostLimit) => $"The session has {session.Tasks.Ready.ActiveOn(task.Spec.Url)} of {perHost} connections to {host} in use; it starts when one is free and {session.Tasks.Ready.Count - 1} other ready tasks rank with it.",
            (_, WaitReasons.NodeLimit) when until is not null => $"A limit of the node holds it back until {until:u}.{last}",
            (_, WaitReasons.NodeLimit) when task.Unconstrained is true && conditions.Unconstrained is { IsFull: true } places =>
                $"The node runs {places.Running} of at most {places.RunningMax} unconstrained transfers; it starts when one ends.",
            (_, WaitReasons.Discretionary) => DiscretionaryRules.Explain(slots, until),
            _ => $"The node runs {slots.Running} of at most {slots.RunningMax} transfers (at most {slots.HostMax} to one host); it starts when one ends.",
        };
        return new WhyView { Id = task.Id.ToString(), State = StateOf(task.Phase), Reason = reason, Sentence = sentence + AskedFor(task, session), NextEvaluationAt = until };
    }

    /// <summary>The word of the wire; null for a task that did not ask to be unconstrained.</summary>
    public static string? VerdictOf(bool? granted) => granted switch { true => "granted", false => "denied", null => null };

    public static string StateOf(TaskPhase phase) => phase switch
    {
        TaskPhase.Suspended => "suspended",
        TaskPhase.Waiting => "waiting",
        TaskPhase.Running => "running",
        TaskPhase.Canceling => "canceling",
        TaskPhase.Completed => "completed",
        _ => throw new ArgumentOutOfRangeException(nameof(phase), phase, "not a phase"),
    };

    public static string KindOf(TaskKind kind) => kind is TaskKind.Upload ? "upload" : "download";

    private static bool IsReady(TaskState task, SessionConditions conditions) => !(task.NotBefore > conditions.Now);

    /// <summary>Exactly one reason, and when it is looked at again. What is ready and does not run is held back by a limit.</summary>
    private static (string Reason, DateTimeOffset? Until) WaitOf(TaskState task, Session session, SessionConditions conditions)
    {
        if (session.Paused)
            return (WaitReasons.Paused, null);
        if (task.WaitsForClient)
            return (task.Reason!, task.NotBefore);
        if (task.NotBefore is { } at && at > conditions.Now)
            return (task.Reason ?? WaitReasons.EarliestBegin, at);
        if (DelayedRequestDecider.MustAsk(task))
            return (WaitReasons.DelayedRequest, null);
        if (session.Tasks.IsBehindInGroup(task))
            return (WaitReasons.GroupOrder, null);
        if (conditions.StartHold(task) is { } start)
            return (start.Reason, start.Until);
        if (conditions.Held(ReadyTasks.HostOf(task.Spec.Url).ToString()) is { } hold)
            return (hold.Reason, hold.Until);
        var hostIsFull = task.Unconstrained is not true && session.Tasks.Ready.ActiveOn(task.Spec.Url) >= session.Configurations.Current.MaxConnectionsPerHost;
        if (hostIsFull)
            return (WaitReasons.HostLimit, null);
        return session.Tasks.TermsOf(task).Discretionary ? (WaitReasons.Discretionary, session.Tasks.UrgentAt(task)) : (WaitReasons.NodeLimit, null);
    }

    private static string AskedFor(TaskState task, Session session) => task is { Phase: TaskPhase.Completed } or { Unconstrained: null } ? ""
        : task.Unconstrained is true ? " It is unconstrained: limits of its session, discretionary conditions and costs of the network do not hold it."
        : $" It asked to be unconstrained, which the operators' policy did not grant to tenant {session.Key.Tenant} when it asked.";

    private static string Behind(TaskState task, Session session)
    {
        var group = session.Groups[task.Spec.Group!.Value];
        var others = group.Live - 1;
        return $"Its group {group.Name} runs one task at a time, and {(group.Front() is { } front ? $"task {front}" : "another")} is before it; "
            + $"{others} other {(others == 1 ? "task is" : "tasks are")} in the group. Make it current to let it go first.";
    }

    private static ChallengeView ChallengeOf(TaskRun run) => new()
    {
        Scheme = run.Challenge!.Scheme,
        Realm = run.Challenge.Realm,
        Host = run.Challenge.Host,
        Port = run.Challenge.Port,
        IsProxy = run.Challenge.IsProxy,
        WasRefused = run.Challenge.WasRefused,
        Count = run.ChallengeCount,
    };

    private static string Asked(TaskRun run)
    {
        var asked = run.Challenge!;
        var what = (asked.Scheme is { } scheme ? $" by {scheme}" : "") + (asked.Realm is { } realm ? $" for the realm \"{realm}\"" : "");
        var reason = asked.WasRefused ? "it refused the one that was sent" : "the session has none for it";
        var remedy = asked.IsProxy
            ? "Answer its challenge with a user and password, or name another proxy with PUT of the session, or have an operator correct the proxy's secret"
            : "Answer its challenge, or PUT the session with a credential for that host, or change the task's headers or URL";
        return $"The {(asked.IsProxy ? "proxy" : "server")} {asked.Host}:{asked.Port} asks for a credential{what}, and {reason} ({Times(run.ChallengeCount)}). "
            + $"{remedy}; or resume the task to try again as it is.";
    }

    private static string Times(int count) => count == 1 ? "asked once" : $"asked {count} times in a row";

    public static TaskProgress ProgressOf(TaskState task, LiveProgress? live)
    {
        var isUpload = task.Spec.Kind is TaskKind.Upload;
        var part = isUpload ? null : task.Run?.Part;
        var upload = task.Run?.Part?.Upload; // what the target confirmed last
        var received = task.End?.BytesReceived ?? live?.BytesReceived ?? part?.Bytes ?? 0;
        var total = task.End is { Outcome: TaskOutcomes.Succeeded } && !isUpload ? received : live?.TotalToReceive ?? part?.Total ?? task.Run?.Response?.Total;
        return new TaskProgress
        {
            BytesReceived = received,
            BytesSent = task.End?.BytesSent ?? live?.BytesSent ?? upload?.Offset ?? 0,
            TotalToReceive = total,
            TotalToSend = live?.TotalToSend ?? upload?.Length,
            BytesPerSecond = live?.BytesPerSecond,
            Eta = live?.Eta,
            Generation = task.Run?.Generation ?? 1,
        };
    }
}
