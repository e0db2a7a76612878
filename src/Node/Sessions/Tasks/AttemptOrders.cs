using Backhaul.Node.Transfers;
using Backhaul.Protocol;

namespace Backhaul.Node.Sessions;

/// <summary>From a task's state to the order of its next attempt: the task's own settings, then the session's version it was created under.</summary>
internal static class AttemptOrders
{
    private static readonly Dictionary<string, string> EmptyHeaders = new(StringComparer.OrdinalIgnoreCase);

    public static AttemptOrder Create(Session session, TaskState task, long epoch, ITrust trust)
    {
        var (spec, inherited) = (task.Spec, session.Configurations[task.ConfigurationVersion]);
        // What stayed would go with the retention of the round that fetched it, and with other credentials than a round has there may be another content.
        var isRepeated = task is { IsPrefetch: true, Run: { Access: null, AccessVersion: null } } && inherited.FileRetention is null;
        return new AttemptOrder
        {
            Files = session.FilesOf(task),
            Kind = spec.Kind,
            Attempt = task.Run!.Attempt,
            Epoch = epoch,
            Trust = trust,
            Url = spec.Url,
            NamedBy = task.IsPrefetch ? session.Prefetch.StrangerTo(spec.Url) : null,
            Method = spec.Method,
            Headers = Merge(inherited.AdditionalHeaders, spec.Headers),
            Source = spec.Source is { } source ? source with { Container = source.Container ?? session.Configurations.Container } : null,
            Parts = WithContainers(spec.Parts, session.Configurations.Container),
            Multipart = spec.Multipart,
            UploadProtocol = spec.UploadProtocol ?? UploadProtocol.Plain,
            Body = spec.Body is { } body ? body with { Container = body.Container ?? session.Configurations.Container } : null,
            IdleTimeout = inherited.RequestTimeout!.Value,
            SessionHostMax = session.Configurations.Current.MaxConnectionsPerHost!.Value,
            AcceptStatus = spec.AcceptStatus ?? inherited.AcceptStatus ?? [],
            RecoverableStatus = spec.RecoverableStatus ?? [],
            RetryStatuses = spec.Retry?.Statuses ?? inherited.Retry!.Statuses!,
            Sha256 = spec.Sha256,
            SourceChange = spec.SourceChange,
            MaxBytes = spec.MaxBytes,
            ExpectedBytes = spec.ExpectedBytes?.Receive,
            Resume = task.Run.Part,
            Kept = task.Run is { Part: null, Generation: 1 } && spec.Kept is { } kept && kept.Fits(spec.Url, spec.Sha256 is not null) ? kept : null,
            BytesPerSecondMax = spec.BytesPerSecondMax,
            IsRepeated = isRepeated,
            Fetched = isRepeated ? session.Prefetch.FetchedBefore(task) : null,
            TraceParent = task.TraceParent,
            Access = AccessOf(session.Configurations[task.Run.AccessVersion ?? task.ConfigurationVersion], task.Run.Access),
        };
    }

    /// <summary>What the target of an upload that will not be finished is told with: where it is, and who asks.</summary>
    public static AttemptOrder ToGiveUp(SessionKey session, AbandonedUpload upload, long epoch, ITrust trust)
    {
        var (task, configuration) = (upload.Task, upload.Configuration);
        return new AttemptOrder
        {
            Files = new TaskFiles(session, upload.Generation, task.Id, configuration.Container is { } name ? ContainerName.Parse(name) : ContainerName.Default, null),
            Kind = task.Spec.Kind,
            Attempt = task.Run!.Attempt,
            Epoch = epoch,
            Trust = trust,
            Url = task.Spec.Url,
            Method = task.Spec.Method,
            Headers = Merge(configuration.AdditionalHeaders, task.Spec.Headers),
            UploadProtocol = task.Spec.UploadProtocol ?? UploadProtocol.Plain,
            IdleTimeout = configuration.RequestTimeout!.Value,
            SessionHostMax = configuration.MaxConnectionsPerHost!.Value,
            AcceptStatus = [],
            RetryStatuses = [],
            Resume = task.Run.Part,
            TraceParent = task.TraceParent,
            Access = AccessOf(configuration, task.Run.Access),
        };
    }

    private static List<ContentPart>? WithContainers(IReadOnlyList<ContentPart>? parts, ContainerName ofSession) =>
        parts?.Select(part => part.Source is { Container: null } source ? part with { Source = source with { Container = ofSession } } : part).ToList();

    /// <summary>What was given with an answer goes before what the session has.</summary>
    private static AccessReferences AccessOf(SessionConfiguration configuration, TaskAccess? answers) =>
        configuration is { Credentials: null, Proxy: null, Tls: null } && answers is null
            ? AccessReferences.None
            : new AccessReferences
            {
                Credentials = [.. answers?.Given ?? [], .. configuration.Credentials ?? []],
                Proxy = configuration.Proxy,
                ToProxy = answers?.ToProxy,
                Tls = configuration.Tls,
                Rejected = answers?.Rejected ?? [],
            };

    /// <summary>A task's header replaces the session's of the same name.</summary>
    private static Dictionary<string, string> Merge(IReadOnlyDictionary<string, string>? ofSession, IReadOnlyDictionary<string, string>? ofTask)
    {
        var merged = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        foreach (var headers in (IReadOnlyDictionary<string, string>?[])[ofSession, ofTask])
        {
            foreach (var (name, value) in headers ?? EmptyHeaders)
                merged[name] = value;
        }
        return merged;
    }
}
