using System.Net;
using Backhaul.Node.Sessions;

namespace Backhaul.Node.Routing.Peers;

/// <summary>
/// Brings a command to the node that owns its session, over HTTP/2, and says exactly how far it got:
/// <code>
///   no connection: refused, no such name, no TLS, the time for it over     NotSent      certainly not executed
///   refused stream, connection going away, body not begun                  Refused      certainly not executed; somebody is there
///   no turn or no time left, this node has not joined                      TooLate      certainly not executed; says nothing of the peer
///   401, 409 …: the peer looked and did not take it                        NotAccepted  certainly not executed
///   400: the peer cannot read it                                           NotUnderstood  certainly not executed
///   421                                                                    NotOwner     with who owns it
///   broken, late or unreadable after the body began                        Unknown      perhaps executed
/// </code>
/// A peer executes nothing before it has read the whole body and its signature, so what was not begun to be sent cannot have been executed.
/// Never retries by itself. To each peer a bounded number of commands is on its way and a bounded number waits. Thread-safe.
/// </summary>
internal sealed class CommandForwarder(PeerClients clients, PeerIdentity identity, PeerOptions options, TimeProvider time) : IPeers
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, Gate> _gates = new(StringComparer.Ordinal);

    public async ValueTask<PeerAnswer> SendAsync(Owner owner, PeerCommand command, TimeSpan deadline, CancellationToken stop)
    {
        if (identity.Secret() is not { IsEmpty: false } secret)
            return TooLate("This node has not joined the cluster yet.");
        if (Enter(owner.Address) is not { } gate)
            return new PeerAnswer.Replied(new CommandReply.Unavailable(
                UnavailableReason.Full, TimeSpan.FromSeconds(1), "Too many requests wait for another node already. Send the same request again later, and fewer at once."));
        var began = time.GetTimestamp();
        using var late = new CancellationTokenSource(deadline, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, stop);
        try
        {
            await gate.Turns.WaitAsync(either.Token);
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            Leave(owner.Address, gate, hadTurn: false);
            return TooLate($"There was no turn within {deadline.TotalSeconds:0.###} s.");
        }
        catch (OperationCanceledException)
        {
            Leave(owner.Address, gate, hadTurn: false);
            throw;
        }
        try
        {
            var body = PeerCodec.Encode(command);
            return body.Length > options.CommandBytesMax
                ? PeerCodec.TooLarge($"The request has {body.Length} bytes on its way to the session's node, which is more than {options.CommandBytesMax}. Send it in parts.")
                : await SendAsync(owner, body, secret, deadline - time.GetElapsedTime(began), either.Token, stop);
        }
        finally
        {
            Leave(owner.Address, gate, hadTurn: true);
        }
    }

    private async ValueTask<PeerAnswer> SendAsync(
        Owner owner, byte[] body, ReadOnlyMemory<byte> secret, TimeSpan remaining, CancellationToken either, CancellationToken stop)
    {
        // the peer answers a little earlier than this node gives up: a clear answer instead of an unknown outcome
        var allowed = remaining - TimeSpan.FromMilliseconds(Math.Min(options.AnswerMargin.TotalMilliseconds, remaining.TotalMilliseconds / 10));
        using var content = new CommandContent(body);
        using var request = PeerHeaders.NewRequest(HttpMethod.Post, new Uri(owner.Address), PeerHeaders.CommandsPath, owner.Node, allowed, secret.Span, body);
        request.Content = content;
        try
        {
            using var response = await clients.SendCommandAsync(request, either);
            var answer = response.Headers.TryGetValues(PeerHeaders.Answer, out var words) ? words.First() : "";
            if (await ReadAsync(response, either) is not { } bytes)
                return new PeerAnswer.Failed(PeerFailure.Unknown, $"The answer is larger than {options.AnswerBytesMax} bytes.");
            return PeerCodec.Decode(owner.ShardId, new PeerFrame((int)response.StatusCode, answer, bytes));
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            throw;
        }
        catch (OperationCanceledException)
        {
            if (!either.IsCancellationRequested)
                return new PeerAnswer.Failed(PeerFailure.NotSent, $"There was no connection within {options.ConnectMax.TotalSeconds:0.###} s.");
            // a caller in a hurry says nothing about the peer
            return content.Began
                ? new PeerAnswer.Failed(PeerFailure.Unknown, $"There was no answer within {remaining.TotalSeconds:0.###} s.")
                : TooLate($"There was no connection within the {remaining.TotalSeconds:0.###} s that were left.");
        }
        catch (Exception broken) when (broken is HttpRequestException or HttpProtocolException or IOException)
        {
            return new PeerAnswer.Failed(StageOf(broken, content.Began), broken.GetBaseException().Message);
        }
    }

    /// <summary>The handler repeats what the peer certainly did not read; when it gives up with such a reason, nothing was executed.</summary>
    private static PeerFailure StageOf(Exception broken, bool began)
    {
        const long refusedStream = 7;
        if (broken is HttpRequestException { HttpRequestError: HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError or HttpRequestError.SecureConnectionError })
            return PeerFailure.NotSent;
        if (!began)
            return PeerFailure.Refused;
        for (var cause = broken; cause is not null; cause = cause.InnerException)
        {
            if (cause is HttpProtocolException { ErrorCode: refusedStream })
                return PeerFailure.Refused;
        }
        return PeerFailure.Unknown;
    }

    /// <summary>Null when it is larger than an answer may be.</summary>
    private async ValueTask<byte[]?> ReadAsync(HttpResponseMessage response, CancellationToken stop)
    {
        if (response.Content.Headers.ContentLength > options.AnswerBytesMax)
            return null;
        await using var stream = await response.Content.ReadAsStreamAsync(stop);
        using var into = new MemoryStream((int)(response.Content.Headers.ContentLength ?? 0));
        var buffer = new byte[16 * 1024];
        while (await stream.ReadAsync(buffer, stop) is var read and > 0)
        {
            if (into.Length + read > options.AnswerBytesMax)
                return null;
            into.Write(buffer, 0, read);
        }
        return into.ToArray();
    }

    private static PeerAnswer.Failed TooLate(string detail) => new(PeerFailure.TooLate, detail);

    /// <summary>Null when as many wait as may.</summary>
    private Gate? Enter(string address)
    {
        lock (_lock)
        {
            if (!_gates.TryGetValue(address, out var gate))
                _gates.Add(address, gate = new Gate(options.CommandsMax));
            if (gate.Users >= options.CommandsMax + options.WaitingMax)
                return null;
            gate.Users++;
            return gate;
        }
    }

    /// <summary>The last one takes the gate with it: addresses come and go with their nodes.</summary>
    private void Leave(string address, Gate gate, bool hadTurn)
    {
        if (hadTurn)
            gate.Turns.Release();
        lock (_lock)
        {
            if (--gate.Users > 0)
                return;
            _gates.Remove(address);
        }
        gate.Turns.Dispose();
    }

    private sealed class Gate(int turns)
    {
        public SemaphoreSlim Turns { get; } = new(turns, turns);

        /// <summary>Under the lock.</summary>
        public int Users { get; set; }
    }

    /// <summary>A body that knows whether it was begun.</summary>
    private sealed class CommandContent(byte[] body) : HttpContent
    {
        public bool Began { get; private set; }

        protected override bool TryComputeLength(out long length)
        {
            length = body.Length;
            return true;
        }

        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => SerializeToStreamAsync(stream, context, CancellationToken.None);

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
        {
            Began = true;
            await stream.WriteAsync(body, cancellationToken);
        }
    }
}
