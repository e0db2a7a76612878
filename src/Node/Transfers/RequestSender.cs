using Backhaul.Node.Egress;
using Backhaul.Node.Transfers.Downloads;
using Backhaul.Node.Transfers.Origins;

namespace Backhaul.Node.Transfers;

/// <summary>What an attempt asks for.</summary>
internal sealed record OutboundAsk
{
    public required Uri Url { get; init; }
    public required HttpMethod Method { get; init; }

    /// <summary>The bytes wanted, from here on; null asks without a range.</summary>
    public long? RangeFrom { get; init; }

    /// <summary>The byte after the last one wanted; null: to the end.</summary>
    public long? RangeTo { get; init; }

    /// <summary>The validator that the range depends on.</summary>
    public string? IfRange { get; init; }

    /// <summary>
    /// The validator of what is there already: the content is wanted only if it is another. It goes to the ask's own URL and to none that a redirect leads to.
    /// </summary>
    public string? IfChanged { get; init; }

    /// <summary>Makes the body; called once for each request that carries it.</summary>
    public Func<HttpContent>? Body { get; init; }
    public bool ExpectContinue { get; init; }

    /// <summary>Headers of the protocol that is spoken; they win over the task's of the same name and say nothing about who asks.</summary>
    public IReadOnlyList<(string Name, string Value)> Extra { get; init; } = [];

    /// <summary>The URL is not of the task's origin, so that only harmless headers of the task may go there.</summary>
    public bool Foreign { get; init; }

    /// <summary>
    /// <see cref="Extra"/> has a signature over the request as it is: nothing of the task's headers is added but its agent, and a redirect is the answer, since
    /// the signature belongs to this URL.
    /// </summary>
    public bool Signed { get; init; }

    /// <summary>The body is not the one that the task's headers describe, such as a part of it.</summary>
    public bool OwnContent { get; init; }
}

/// <summary>How an exchange ended.</summary>
internal abstract record OutboundAnswer
{
    private OutboundAnswer()
    {
    }

    /// <summary>The head of a final response. The caller disposes the message.</summary>
    internal sealed record Head(HttpResponseMessage Message, ResponseHead Response, Uri Url, AttemptPhases Phases) : OutboundAnswer
    {
        /// <summary>It was asked on the condition of <see cref="OutboundAsk.IfChanged"/>, which does not hold.</summary>
        public bool IsUnchanged { get; init; }
    }

    internal sealed record Failed(AttemptFailure Failure) : OutboundAnswer;

    /// <summary>Asked to stop, or not wanted any more.</summary>
    internal sealed record Ended : OutboundAnswer;
}

/// <summary>Sends a request and follows its redirects by <see cref="RedirectRules"/>, until a response is final.</summary>
internal sealed class RequestSender(OutboundClients clients, TransferOptions options, OriginGates gates, TimeProvider time)
{
    private static readonly HttpMethod[] Known = [HttpMethod.Get, HttpMethod.Head, HttpMethod.Post, HttpMethod.Put, HttpMethod.Delete, HttpMethod.Options];

    /// <summary>Host and port of a URL, for sentences and limits.</summary>
    public static string Origin(Uri url) => RedirectRules.Origin(url);

    public static HttpMethod Method(string name) => Array.Find(Known, known => known.Method == name) ?? new HttpMethod(name);

    public async ValueTask<OutboundAnswer> SendAsync(AttemptOrder order, OutboundAsk ask, AttemptWatch watch, IAttemptReports reports)
    {
        var url = ask.Url;
        var method = ask.Method;
        var body = ask.Body;
        var home = !ask.Foreign && order.NamedBy is null;
        var asked = order.Access;
        // A URL that a server named is not the task's own: what was meant for the task's origin is not meant for it.
        var owner = order.NamedBy is { } naming ? new Uri(naming) : ask.Foreign ? new Uri(order.Url) : ask.Url;
        var rejected = asked.Rejected.Select(AccessFailures.FactsOf).ToList();
        if (!clients.TryOpen(order.Files.Session.Tenant, asked.Credentials, asked.Proxy, asked.Tls, owner, out var access, out var missing, order.Files.Session, rejected, asked.ToProxy))
            return new OutboundAnswer.Failed(AccessFailures.Missing(missing));
        for (var followed = 0; ;)
        {
            if (!order.Trust.MayAct)
                return new OutboundAnswer.Failed(Untrusted(0));
            using var request = new HttpRequestMessage(method, url);
            if (Prepare(request, order, ask, body, home) is { } refusedHeader)
                return new OutboundAnswer.Failed(refusedHeader);
            access.Sign(request, url);
            var origin = OriginName.Of(url);
            if (await gates.EnterAsync(origin, order, watch) is GateAnswer.WaitUntil held)
                return new OutboundAnswer.Failed(Held(held));
            var sent = await SendOneAsync(request, order, url, access.RouteTo(url), watch);
            if (sent is OutboundAnswer.Head { Response.Status: 304 } condition && ask.IfChanged is not null)
                sent = condition with { IsUnchanged = true };
            gates.Report(origin, ContactOf(sent));
            (var again, sent) = await JudgeAccessAsync(order, sent, access, url, watch);
            if (again)
                continue;
            if (ask.Signed || sent is not OutboundAnswer.Head head || !RedirectRules.IsRedirect(head.Response.Status)
                || StatusRules.IsListed(head.Response.Status, order.AcceptStatus))
            {
                return sent;
            }
            switch (RedirectRules.Decide(url, method.Method, head.Response.Status, head.Response.Location, followed, clients.Options))
            {
                case RedirectStep.Refused refused:
                    head.Message.Dispose();
                    return new OutboundAnswer.Failed(Describe(refused, head.Response));
                case RedirectStep.Follow follow:
                    await DiscardBodyAsync(head.Message, watch);
                    head.Message.Dispose();
                    url = follow.To;
                    method = Method(follow.Method);
                    body = follow.KeepsBody ? body : null;
                    home &= follow.SameOrigin;
                    ask = ask with { IfChanged = null };
                    followed++;
                    if (!await reports.RedirectedAsync(url.AbsoluteUri, head.Response.Status))
                        return new OutboundAnswer.Ended();
                    break;
            }
        }
    }

    /// <summary>Reads what is left of a small body, so that its connection can carry the next request; a long one costs its connection.</summary>
    public async ValueTask DiscardBodyAsync(HttpResponseMessage message, AttemptWatch watch)
    {
        var length = message.Content.Headers.ContentLength;
        if (length == 0 || length > options.DiscardedBodyBytesMax)
            return;
        var buffer = System.Buffers.ArrayPool<byte>.Shared.Rent(16 * 1024);
        watch.Wait();
        try
        {
            var stream = await message.Content.ReadAsStreamAsync(watch.Token);
            for (var read = 0; read < options.DiscardedBodyBytesMax;)
            {
                var count = await stream.ReadAsync(buffer, watch.Token);
                if (count == 0)
                    return;
                read += count;
            }
        }
        catch (Exception broken) when (NetworkFailures.IsNetwork(broken))
        {
            // The body was of no interest; what happened to it changes nothing but the connection, which is gone.
        }
        finally
        {
            watch.Rest();
            System.Buffers.ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>The body as far as <paramref name="bytesMax"/>; what broke on the way is as if it had ended there.</summary>
    public static async ValueTask<ReadOnlyMemory<byte>> ReadSmallBodyAsync(HttpResponseMessage message, AttemptWatch watch, int bytesMax)
    {
        var buffer = new byte[bytesMax];
        var read = 0;
        watch.Wait();
        try
        {
            var stream = await message.Content.ReadAsStreamAsync(watch.Token);
            while (read < bytesMax && await stream.ReadAsync(buffer.AsMemory(read), watch.Token) is > 0 and var count)
                read += count;
        }
        catch (Exception broken) when (NetworkFailures.IsNetwork(broken))
        {
            // The head said what counts; a broken body only says less.
        }
        finally
        {
            watch.Rest();
        }
        return buffer.AsMemory(0, read);
    }

    public static AttemptFailure Untrusted(long received) => new()
    {
        Code = TransferCodes.Interrupted,
        Message = "This node lost the right to act for the session while the transfer ran; it goes on where the session goes.",
        Retryable = true,
        BytesReceived = received,
    };

    /// <summary>What an exchange says about its origin.</summary>
    private OriginContact ContactOf(OutboundAnswer sent) => sent switch
    {
        OutboundAnswer.Head { Response: var head } => new OriginContact.Answered(head.Status, RetryAfterRules.Parse(head.RetryAfter, time.GetUtcNow())),
        OutboundAnswer.Failed { Failure: { Code: TransferCodes.ConnectFailed or TransferCodes.TlsFailed or TransferCodes.NameNotResolved, WaitReason: null } failure } =>
            new OriginContact.Unreachable(failure.Code, failure.Message),
        _ => OriginContact.Undecided.Instance,
    };

    private AttemptFailure Held(GateAnswer.WaitUntil held) => new()
    {
        Code = TransferCodes.HeldBack,
        Message = held.Why,
        Retryable = true,
        WaitReason = held.Reason,
        RetryAfter = held.At - time.GetUtcNow() is var wait && wait > TimeSpan.Zero ? wait : TimeSpan.Zero, // the moment may have come while this was said
    };

    /// <summary>
    /// What a response says about credentials: send the request again with an answer, or the reason why there is none. Everything else passes, and so does
    /// what the task itself has a use for.
    /// </summary>
    private async ValueTask<(bool Again, OutboundAnswer Answer)> JudgeAccessAsync(
        AttemptOrder order, OutboundAnswer sent, OutboundAccess access, Uri url, AttemptWatch watch)
    {
        if (sent is not OutboundAnswer.Head head)
            return (false, sent);
        var step = access.Judge(head.Message, url);
        if (step is AccessStep.Passed || (step is not AccessStep.Again && IsDecided(order, head.Response.Status)))
            return (false, sent);
        await DiscardBodyAsync(head.Message, watch);
        head.Message.Dispose();
        return step switch
        {
            AccessStep.Refused { Facts: var facts } => (false, new OutboundAnswer.Failed(AccessFailures.Challenged(facts, head.Response.Status))),
            AccessStep.Missing { Secret: var secret } => (false, new OutboundAnswer.Failed(AccessFailures.Missing(secret))),
            _ => (true, sent),
        };
    }

    /// <summary>The client said what this status means: a result, or something to be tried again.</summary>
    private static bool IsDecided(AttemptOrder order, int status) =>
        StatusRules.IsListed(status, order.AcceptStatus) || StatusRules.IsListed(status, order.RecoverableStatus) || order.RetryStatuses.Contains(status);

    private async ValueTask<OutboundAnswer> SendOneAsync(HttpRequestMessage request, AttemptOrder order, Uri url, OutboundRoute route, AttemptWatch watch)
    {
        watch.Wait();
        var times = ConnectionTimes.Attach(request);
        var began = time.GetTimestamp();
        try
        {
            var message = await clients.SendAsync(request, route, order.Files.Session.Tenant, watch.Token);
            return new OutboundAnswer.Head(message, ResponseHead.Read(message), url, AttemptPhases.Of(times, time.GetElapsedTime(began)));
        }
        catch (Exception failed) when (NetworkFailures.IsNetwork(failed))
        {
            if (FindBroken(failed) is { } broken)
                return broken.Failure is { } known ? new OutboundAnswer.Failed(known) : new OutboundAnswer.Ended();
            if (watch.Silent)
            {
                return new OutboundAnswer.Failed(
                    NetworkFailures.Idle(Origin(url), order.IdleTimeout, 0, inBody: false, sending: request.Content is Uploads.UploadContent { IsSent: false }));
            }
            if (watch.Token.IsCancellationRequested)
                return new OutboundAnswer.Ended();
            return new OutboundAnswer.Failed(
                NetworkFailures.Describe(failed, Origin(url), received: 0, inBody: false, clients.Options.ConnectTimeout));
        }
        finally
        {
            watch.Rest();
        }
    }

    /// <summary>The body's own reason; HttpClient wraps what a content throws. A disk's refusal passes on as it is.</summary>
    private static Uploads.UploadBrokenException? FindBroken(Exception failed)
    {
        for (var cause = failed; cause is not null; cause = cause.InnerException)
        {
            if (cause is Files.StorageException storage)
                throw new Files.StorageException(storage.Failure, storage.Message, failed);
            if (cause is Uploads.UploadBrokenException broken)
                return broken;
        }
        return null;
    }

    /// <summary>Null, or why a header cannot be sent.</summary>
    private AttemptFailure? Prepare(HttpRequestMessage request, AttemptOrder order, OutboundAsk ask, Func<HttpContent>? body, bool home)
    {
        if (body is not null)
        {
            request.Content = body();
            if (ask.ExpectContinue)
                request.Headers.ExpectContinue = true;
        }
        var hasAgent = false;
        var hasEncoding = false;
        foreach (var (name, value) in ask.Extra)
        {
            var describesContent = RequestHeaders.DescribesContent(name);
            // A signature of an object store has commas and semicolons where the framework's grammar for credentials has none.
            if (ask.Signed && name == "Authorization" && value.IndexOf(' ') is > 0 and var space)
            {
                request.Headers.Authorization = new System.Net.Http.Headers.AuthenticationHeaderValue(value[..space], value[(space + 1)..]);
                continue;
            }
            if ((!describesContent || request.Content is not null) && !RequestHeaders.TryAdd(describesContent ? request.Content!.Headers : request.Headers, name, value))
                return Unsendable(name);
        }
        foreach (var (name, value) in order.Headers)
        {
            if ((!home && !RequestHeaders.MayTravel(name)) || IsListed(ask.Extra, name))
                continue;
            if (ask.Signed && !name.Equals("User-Agent", StringComparison.OrdinalIgnoreCase))
                continue;
            var describesContent = RequestHeaders.DescribesContent(name);
            if (describesContent && (request.Content is null || ask.OwnContent))
                continue;
            hasAgent |= name.Equals("User-Agent", StringComparison.OrdinalIgnoreCase);
            hasEncoding |= name.Equals("Accept-Encoding", StringComparison.OrdinalIgnoreCase);
            if (!RequestHeaders.TryAdd(describesContent ? request.Content!.Headers : request.Headers, name, value))
                return Unsendable(name);
        }
        if (!hasAgent)
            request.Headers.Add("User-Agent", clients.Options.UserAgent);
        if (!hasEncoding && body is null)
            request.Headers.Add("Accept-Encoding", "identity");
        if (ask.IfChanged is { } known && !RequestHeaders.TryAdd(request.Headers, EntityValidator.IsTag(known) ? "If-None-Match" : "If-Modified-Since", known))
            return Unsendable("If-None-Match");
        if (ask.RangeFrom is { } from)
        {
            request.Headers.Range = new System.Net.Http.Headers.RangeHeaderValue(from, ask.RangeTo - 1);
            if (ask.IfRange is { } validator)
                request.Headers.Add("If-Range", validator);
        }
        return null;
    }

    private static bool IsListed(IReadOnlyList<(string Name, string Value)> headers, string name)
    {
        for (var i = 0; i < headers.Count; i++)
        {
            if (headers[i].Name.Equals(name, StringComparison.OrdinalIgnoreCase))
                return true;
        }
        return false;
    }

    private static AttemptFailure Unsendable(string name) => new()
    {
        Code = TransferCodes.ProtocolError,
        Message = $"The header {name} has a value that HTTP does not allow there; change the task's or the session's headers.",
        Retryable = false,
    };

    private static AttemptFailure Describe(RedirectStep.Refused refused, ResponseHead head) => new()
    {
        Code = refused.Fault switch
        {
            RedirectFault.TooMany => TransferCodes.TooManyRedirects,
            RedirectFault.Insecure => TransferCodes.InsecureRedirect,
            _ => TransferCodes.BadRedirect,
        },
        Message = refused.Why,
        Retryable = false,
        Status = head.Status,
    };
}
