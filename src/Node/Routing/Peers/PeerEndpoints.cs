using System.Globalization;
using Backhaul.Node.Security;

namespace Backhaul.Node.Routing.Peers;

/// <summary>
/// What other nodes ask of this one. Every request proves first that it comes from a node of this cluster and means this incarnation; a
/// request that does not is answered in one sentence and nothing of it is looked at. A command is executed here once, or told why not; it
/// is never sent on, which the count of hops says too.
/// </summary>
internal sealed class PeerEndpoints(IncomingCommands commands, PeerIdentity identity, PeerOptions options, ILogger<PeerEndpoints> log)
{
    private const long DeadlineMsMax = 600_000;

    public async Task ExecuteAsync(HttpContext context)
    {
        var gone = context.RequestAborted;
        try
        {
            if (await ReadAsync(context.Request, gone) is not { } body)
            {
                await WriteAsync(context, PeerCodec.Refusal(413, $"The command is larger than {options.CommandBytesMax} bytes."), gone);
                return;
            }
            if (Admit(context.Request, body, out var deadline) is { } refusal)
            {
                await WriteAsync(context, refusal, gone);
                return;
            }
            if (PeerCodec.Decode(body, out var fault) is not { } command)
            {
                log.PeerCommandUnreadable(fault);
                await WriteAsync(context, PeerCodec.Refusal(400, fault), gone);
                return;
            }
            await WriteAsync(context, PeerCodec.Encode(await commands.ExecuteAsync(command, deadline, gone)), gone);
        }
        catch (Exception left) when (left is OperationCanceledException or IOException && gone.IsCancellationRequested)
        {
            log.PeerLeft(context.Request.Path);
        }
    }

    /// <summary>Null: the request is a peer's, and means this incarnation.</summary>
    private PeerFrame? Admit(HttpRequest request, ReadOnlyMemory<byte> body, out TimeSpan deadline)
    {
        deadline = TimeSpan.Zero;
        var target = request.Headers[PeerHeaders.Target].ToString();
        if (!long.TryParse(request.Headers[PeerHeaders.Deadline], NumberStyles.None, CultureInfo.InvariantCulture, out var deadlineMs) || deadlineMs is < 1 or > DeadlineMsMax)
            return PeerCodec.Refusal(400, $"{PeerHeaders.Deadline} is from 1 to {DeadlineMsMax}.");
        var secret = identity.Secret();
        if (secret.IsEmpty)
            return PeerCodec.Refusal(409, "This node has not joined the cluster yet.");
        if (!PeerSignature.Matches(
            secret.Span, request.Headers[PeerHeaders.Signature], request.Method, request.Path + request.QueryString.ToUriComponent(), target, deadlineMs, body.Span))
        {
            log.PeerNotKnown(request.HttpContext.Connection.RemoteIpAddress);
            return PeerCodec.Refusal(401, "The request is not signed by a node of this cluster.");
        }
        if (target != identity.Self.ToString())
            return PeerCodec.Refusal(409, "Another incarnation has this address now.");
        if (request.Headers[PeerHeaders.Hops] != "1")
            return PeerCodec.Refusal(400, $"{PeerHeaders.Hops} is 1: a node does not send on what another one sent.");
        deadline = TimeSpan.FromMilliseconds(deadlineMs);
        return null;
    }

    /// <summary>Null when it is larger than a command may be.</summary>
    private async ValueTask<byte[]?> ReadAsync(HttpRequest request, CancellationToken stop)
    {
        try
        {
            using var into = new MemoryStream((int)Math.Min(request.ContentLength ?? 0, options.CommandBytesMax));
            await request.Body.CopyToAsync(into, stop);
            return into.ToArray();
        }
        catch (BadHttpRequestException large) when (large.StatusCode == StatusCodes.Status413PayloadTooLarge)
        {
            return null;
        }
    }

    private static async Task WriteAsync(HttpContext context, PeerFrame frame, CancellationToken stop)
    {
        var response = context.Response;
        response.StatusCode = frame.Status;
        response.ContentType = "application/json";
        response.ContentLength = frame.Body.Length;
        response.Headers[PeerHeaders.Answer] = frame.Answer;
        await response.Body.WriteAsync(frame.Body, stop);
    }
}
