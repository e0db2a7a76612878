using Backhaul.Node.Security;
using Backhaul.Protocol;

namespace Backhaul.Node.Transfers;

/// <summary>
/// The seam between sessions, which know requests in sealed form only, and the engine, which sends them. An order is opened on its way in; on the way out
/// the upload's own URL is sealed, and the URLs of redirects and responses, which nothing needs again, lose their queries.
/// </summary>
internal static class SealedOrders
{
    /// <summary>Null when this node has not the key of something that is sealed in it.</summary>
    public static AttemptOrder? Open(AttemptOrder order, RequestBox box)
    {
        var tenant = order.Files.Session.Tenant;
        if (box.OpenUrl(tenant, order.Url) is not { } url || !TryOpen(order.Headers, tenant, box, out var headers))
            return null;
        var parts = order.Parts;
        if (parts is not null && !TryOpen(parts, tenant, box, out parts))
            return null;
        var resume = order.Resume;
        if (resume is { Upload: { Location: { } location } upload })
        {
            if (box.OpenUrl(tenant, location) is not { } opened)
                return null;
            resume = resume with { Upload = upload with { Location = opened } };
        }
        return order with { Url = url, Headers = headers, Parts = parts, Resume = resume };
    }

    public static AttemptFailure WithoutKey(AttemptOrder order) => new()
    {
        Code = TransferCodes.SecretMissing,
        Message = "This node does not have the key that the task's URL or headers are sealed with. An operator configures it under Backhaul:Security:SecretKeys.",
        Retryable = true,
        BytesReceived = order.Resume?.Bytes ?? 0,
    };

    public static AttemptOutcome Shown(AttemptOutcome outcome) => outcome switch
    {
        AttemptOutcome.Finished finished => finished with { Response = Shown(finished.Response) },
        AttemptOutcome.Failed { Failure: { Response: { } response } failure } => new AttemptOutcome.Failed(failure with { Response = Shown(response) }),
        _ => outcome,
    };

    private static AttemptResponse Shown(AttemptResponse response) => response with { Url = ShownUrl.Of(response.Url) };

    private static bool TryOpen(IReadOnlyDictionary<string, string> values, TenantId tenant, RequestBox box, out IReadOnlyDictionary<string, string> opened)
    {
        opened = values;
        if (values.Count == 0)
            return true;
        var clear = new Dictionary<string, string>(values.Count, StringComparer.OrdinalIgnoreCase);
        foreach (var (name, value) in values)
        {
            if (box.Open(tenant, value) is not { } text)
                return false;
            clear[name] = text;
        }
        opened = clear;
        return true;
    }

    private static bool TryOpen(IReadOnlyList<ContentPart> parts, TenantId tenant, RequestBox box, out IReadOnlyList<ContentPart> opened)
    {
        var clear = new List<ContentPart>(parts.Count);
        opened = clear;
        foreach (var part in parts)
        {
            var text = part.Text is { } sealedText ? box.Open(tenant, sealedText) : null;
            var headers = part.Headers;
            if ((text is null) != (part.Text is null) || (headers is not null && !TryOpen(headers, tenant, box, out headers)))
                return false;
            clear.Add(part with { Text = text, Headers = headers });
        }
        return true;
    }

    /// <summary>The reports of an attempt, with what of them is written down.</summary>
    internal sealed class Reports(IAttemptReports inner, TenantId tenant, RequestBox box) : IAttemptReports
    {
        public ValueTask<bool> RespondedAsync(AttemptResponse response) => inner.RespondedAsync(Shown(response));

        public ValueTask<bool> CheckpointAsync(PartCheckpoint checkpoint) => inner.CheckpointAsync(
            checkpoint is { Upload: { Location: { } location } upload }
                ? checkpoint with { Upload = upload with { Location = box.SealUrl(tenant, location) } }
                : checkpoint);

        public ValueTask<bool> RedirectedAsync(string toUrl, int status) => inner.RedirectedAsync(ShownUrl.Of(toUrl), status);

        public ValueTask<bool> RestartedAsync(string why) => inner.RestartedAsync(why);

        public void Progress(long bytesReceived, long bytesSent, long? totalToReceive, long? totalToSend) =>
            inner.Progress(bytesReceived, bytesSent, totalToReceive, totalToSend);
    }
}
