using System.Globalization;
using System.Net;
using Backhaul.Node.Egress;
using Backhaul.Node.Security;
using Backhaul.Node.Telemetry;
using Backhaul.Node.Transfers;

namespace Backhaul.Node.Delivery.Webhooks;

/// <summary>
/// Sends webhooks by Standard Webhooks 1.0: <c>webhook-id</c>, <c>webhook-timestamp</c>, and a signature by each key. One request each, through the one
/// place that opens connections, so the address policy holds for receivers as for origins. Redirects are not followed: a signed message goes
/// where its owner said, or nowhere. Of an answer only the status, <c>Retry-After</c> and a bounded part of the body are read; the body is thrown away.
/// </summary>
internal sealed class WebhookSender(
    OutboundClients clients, SecretTable secrets, SecretBox box, DeliveryOptions options, TimeProvider time) : IWebhookSender, IDisposable
{
    private const string Id = "webhook-id";
    private const string Timestamp = "webhook-timestamp";
    private const string Signature = "webhook-signature";

    /// <summary>Under way at once, of all sessions: receivers that do not answer hold each up for as long as the time-out.</summary>
    private const int TestsMax = 4;

    /// <summary>So many notifications of all sessions are under way to one receiver.</summary>
    private const int NotificationsToOne = 4;

    private readonly SemaphoreSlim _room = NewRoom(options.WebhooksMax);

    /// <summary>
    /// For pushes and launches. A tenant's share is small enough that, with all that notifications and tests may take, places are left for the others.
    /// </summary>
    private readonly WebhookPlaces _roomToPush = new(options.WebhooksMax, perReceiver: Math.Max(1, options.WebhooksMax / 4), perTenant: Math.Max(1, options.WebhooksMax * 3 / 8));
    private readonly WebhookPlaces _roomToNotify = new(Math.Max(1, options.WebhooksMax / 2), NotificationsToOne);
    private readonly SemaphoreSlim _roomToTest = NewRoom(Math.Clamp(options.WebhooksMax / 2, 1, TestsMax));

    public async ValueTask<WebhookAnswer?> SendAsync(WebhookMessage message, Func<bool> mayAct, CancellationToken stop)
    {
        if (message.IsNotification)
        {
            using (await _roomToNotify.EnterAsync(message.Session.Tenant, ReceiverOf(message), stop))
                return await SendInTurnAsync(message, mayAct, stop);
        }
        if (!message.IsTest)
        {
            using (await _roomToPush.EnterAsync(message.Session.Tenant, ReceiverOf(message), stop))
                return await SendInTurnAsync(message, mayAct, stop);
        }
        await _roomToTest.WaitAsync(stop);
        try
        {
            return await SendInTurnAsync(message, mayAct, stop);
        }
        finally
        {
            _roomToTest.Release();
        }
    }

    public void Dispose()
    {
        _room.Dispose();
        _roomToTest.Dispose();
    }

    private static string ReceiverOf(WebhookMessage message) =>
        Uri.TryCreate(message.Url, UriKind.Absolute, out var url) ? url.GetLeftPart(UriPartial.Authority) : message.Url;

    private static SemaphoreSlim NewRoom(int places) => new(places, places);

    private async ValueTask<WebhookAnswer?> SendInTurnAsync(WebhookMessage message, Func<bool> mayAct, CancellationToken stop)
    {
        await _room.WaitAsync(stop);
        try
        {
            if (!mayAct())
                return null;
            var answer = await SendNowAsync(message, stop);
            WebhookInstruments.Answered(answer.Result.ToString().ToLowerInvariant());
            return answer;
        }
        finally
        {
            _room.Release();
        }
    }

    private async ValueTask<WebhookAnswer> SendNowAsync(WebhookMessage message, CancellationToken stop)
    {
        if (KeysOf(message) is not { } keys)
            return Failed("This node does not have the secret that signs: a secret of the configuration is missing, or the key that opens sealed ones.");
        if (clients.Requests.OpenUrl(message.Session.Tenant, message.Url) is not { } url)
            return Failed("This node does not have the key that the webhook's URL is sealed with.");
        using var request = CreateRequest(message, url, keys);
        using var late = new CancellationTokenSource(options.WebhookTimeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, stop);
        try
        {
            using var response = await clients.SendAsync(request, either.Token);
            var answer = Judge(response);
            await ReadAwayAsync(response, either.Token);
            return answer;
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            throw;
        }
        catch (OperationCanceledException)
        {
            return Failed($"There was no answer within {options.WebhookTimeout.TotalSeconds:0.#} s.");
        }
        catch (Exception broken) when (broken is HttpRequestException or IOException or UriFormatException or InvalidOperationException)
        {
            return Failed(OutboundException.Find(broken)?.Message ?? $"The connection failed: {broken.GetBaseException().Message}");
        }
    }

    private IReadOnlyList<byte[]>? KeysOf(WebhookMessage message)
    {
        if (!SecretBox.IsSealed(message.Secret))
            return (secrets.Find(message.Session.Tenant, message.Secret) as Secret.Webhook)?.Keys;
        return box.Open(message.Secret, SecretBox.OwnerOf(message.Session)) is { } clear ? WebhookKeys.Parse(clear) : null;
    }

    private HttpRequestMessage CreateRequest(WebhookMessage message, string url, IReadOnlyList<byte[]> keys)
    {
        var at = time.GetUtcNow().ToUnixTimeSeconds();
        var signatures = string.Join(' ', keys.Select(key => "v1," + WebhookKeys.Sign(key, message.Id, at, message.Body.Span)));
        var request = new HttpRequestMessage(HttpMethod.Post, url) { Content = new ReadOnlyMemoryContent(message.Body) };
        request.Content.Headers.Add("Content-Type", $"{CloudEvent.ContentType}; charset=utf-8");
        request.Headers.Add("User-Agent", clients.Options.UserAgent);
        request.Headers.Add(Id, message.Id);
        request.Headers.Add(Timestamp, at.ToString(CultureInfo.InvariantCulture));
        request.Headers.Add(Signature, signatures);
        return request;
    }

    private WebhookAnswer Judge(HttpResponseMessage response)
    {
        var status = (int)response.StatusCode;
        switch (response.StatusCode)
        {
            case >= HttpStatusCode.OK and < HttpStatusCode.MultipleChoices:
                return new WebhookAnswer(WebhookResult.Taken, status, null, $"It answered {status}.");
            case HttpStatusCode.Gone:
                return new WebhookAnswer(WebhookResult.Gone, status, null, "It answered 410: it wants no more.");
            case >= HttpStatusCode.MultipleChoices and < HttpStatusCode.BadRequest:
                return new WebhookAnswer(WebhookResult.Failed, status, null, $"It answered {status}. Redirects are not followed: name the URL where it ends.");
            case HttpStatusCode.TooManyRequests or HttpStatusCode.ServiceUnavailable:
                var asked = response.Headers.NonValidated.TryGetValues("Retry-After", out var values) && values.Count == 1 ? values.ToString() : null;
                return new WebhookAnswer(WebhookResult.Failed, status, RetryAfterRules.Parse(asked, time.GetUtcNow()), $"It answered {status}.");
            default:
                return new WebhookAnswer(WebhookResult.Failed, status, null, $"It answered {status}.");
        }
    }

    /// <summary>So that the connection can be used again; a longer body ends it. What a receiver does after its status changes nothing.</summary>
    private async ValueTask ReadAwayAsync(HttpResponseMessage response, CancellationToken stop)
    {
        var buffer = new byte[4096];
        var left = options.WebhookAnswerBytesMax;
        try
        {
            await using var body = await response.Content.ReadAsStreamAsync(stop);
            while (left > 0 && await body.ReadAsync(buffer.AsMemory(0, Math.Min(left, buffer.Length)), stop) is var read and > 0)
                left -= read;
        }
        catch (Exception broken) when (broken is HttpRequestException or IOException or OperationCanceledException)
        {
            return; // the status has been said
        }
    }

    private static WebhookAnswer Failed(string why) => new(WebhookResult.Failed, null, null, why);
}
