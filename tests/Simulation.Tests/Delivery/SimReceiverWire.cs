using System.Net;
using Backhaul.Simulation.Tests.Network;

namespace Backhaul.Simulation.Tests.Delivery;

/// <summary>
/// One process's way to the receivers: what the product's outbound clients have in the place of connections. A request travels, is taken or not, and its
/// answer travels back; a connection may be reset before the receiver has it, or after.
/// </summary>
internal sealed class SimReceiverWire(SimReceiver receiver, SimNetwork network) : HttpMessageHandler
{
    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var body = Read(request, cancellationToken);
        var (path, id) = (request.RequestUri!.AbsolutePath, request.Headers.GetValues("webhook-id").Single());
        var (timestamp, signature) = (request.Headers.GetValues("webhook-timestamp").Single(), request.Headers.GetValues("webhook-signature").Single());
        var reply = new TaskCompletionSource<HttpResponseMessage>(); // what waits for it, or for its cancellation, goes on where it was
        receiver.Process.Start(async () =>
        {
            await Task.Delay(network.TravelTime(), receiver.Process.Clock);
            var isTrouble = receiver.Random.Chance(receiver.Trouble / 2);
            if (isTrouble && receiver.Random.Chance(0.5))
            {
                reply.TrySetException(new HttpRequestException("The connection was reset before anybody read from it."));
                return;
            }
            var answer = receiver.Take(path, id, timestamp, signature, body);
            await Task.Delay(answer.After + network.TravelTime(), receiver.Process.Clock);
            if (isTrouble)
                reply.TrySetException(new HttpRequestException("The connection was reset, and the answer was on its way."));
            else if (answer.Status is { } status)
                reply.TrySetResult(Response(status, answer.RetryAfter));
        });
        return await reply.Task.WaitAsync(cancellationToken);
    }

    private static byte[] Read(HttpRequestMessage request, CancellationToken stop)
    {
        using var stream = request.Content!.ReadAsStream(stop);
        using var memory = new MemoryStream();
        stream.CopyTo(memory);
        return memory.ToArray();
    }

    private static HttpResponseMessage Response(int status, string? retryAfter)
    {
        var response = new HttpResponseMessage((HttpStatusCode)status) { Content = new ByteArrayContent([]) };
        if (retryAfter is not null)
            response.Headers.TryAddWithoutValidation("Retry-After", retryAfter);
        return response;
    }
}
