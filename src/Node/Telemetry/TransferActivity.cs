using System.Diagnostics;

namespace Backhaul.Node.Telemetry;

/// <summary>
/// The span of an attempt. It starts a trace of its own and links to the request that created the task: that request may be days
/// old and of another process, so it cannot be the parent. The context travels in the task's events and survives restarts.
/// </summary>
internal static class TransferActivity
{
    /// <summary>Null when nobody listens. The caller disposes it when the attempt ended, after <see cref="End"/>.</summary>
    public static Activity? StartAttempt(bool upload, string session, string task, int attempt, Uri url, string? traceParent)
    {
        if (!NodeMeter.Source.HasListeners())
            return null;
        ActivityLink[] links = ActivityContext.TryParse(traceParent, null, isRemote: true, out var creator) ? [new ActivityLink(creator)] : [];
        ActivityTagsCollection tags = new()
        {
            ["backhaul.session"] = session,
            ["backhaul.task"] = task,
            ["backhaul.attempt"] = attempt,
            ["server.address"] = url.Host,
            ["server.port"] = url.Port,
        };
        var ambient = Activity.Current;
        Activity.Current = null;
        try
        {
            return NodeMeter.Source.StartActivity(upload ? "upload attempt" : "download attempt", ActivityKind.Client, default(ActivityContext), tags, links);
        }
        finally
        {
            if (Activity.Current is null)
                Activity.Current = ambient;
        }
    }

    /// <summary>Says how it ended; <paramref name="errorCode"/> is null for success and a stop.</summary>
    public static void End(Activity? attempt, string result, int? status, string? errorCode)
    {
        if (attempt is null)
            return;
        attempt.SetTag("backhaul.result", result);
        if (status is not null)
            attempt.SetTag("http.response.status_code", status);
        if (errorCode is null)
            return;
        attempt.SetTag("error.type", errorCode);
        attempt.SetStatus(ActivityStatusCode.Error, errorCode);
    }
}
