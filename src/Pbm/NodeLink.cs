using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Text.Json;

namespace Backhaul.Pbm;

/// <summary>The two calls to a node. What goes wrong becomes a <see cref="NodeLinkException"/> with a sentence and an exit code.</summary>
internal sealed class NodeLink : IDisposable
{
    private static readonly TimeSpan CatalogWithin = TimeSpan.FromSeconds(10);

    private readonly HttpClient _http;
    private readonly string _node;

    public NodeLink(ToolArguments arguments)
    {
        _node = arguments.NodeName;
        _http = new HttpClient(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false, UseCookies = false, ConnectTimeout = TimeSpan.FromSeconds(5) })
        {
            BaseAddress = arguments.Node,
            Timeout = Timeout.InfiniteTimeSpan,
        };
        if (arguments.Key is { } key)
        {
            if (!AuthenticationHeaderValue.TryParse($"Bearer {key}", out var header))
                throw new NodeLinkException("The key has characters that no key has.", ExitCodes.Usage);
            _http.DefaultRequestHeaders.Authorization = header;
        }
    }

    public async Task<Catalog> CatalogAsync(CancellationToken stop)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stop);
        limit.CancelAfter(CatalogWithin);
        try
        {
            using var response = await _http.GetAsync(new Uri("/pbm/palettes", UriKind.Relative), limit.Token);
            if (response.StatusCode == HttpStatusCode.NotFound)
                throw NoNode(); // a node's own port for clients says so too
            await EnsureAsync(response, limit.Token);
            await using var body = await response.Content.ReadAsStreamAsync(limit.Token);
            return await JsonSerializer.DeserializeAsync(body, ToolJson.Default.Catalog, limit.Token) ?? throw NoNode();
        }
        catch (HttpRequestException failure)
        {
            throw NotReachable(failure);
        }
        catch (JsonException)
        {
            throw NoNode();
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            throw new NodeLinkException($"{_node} took the connection and did not answer within {CatalogWithin.TotalSeconds} s. Is it the operator's port of a node?", ExitCodes.NotReachable);
        }
    }

    /// <summary>Runs a command; the last record carries the exit code.</summary>
    public async IAsyncEnumerable<OutputRecord> ExecuteAsync(ExecuteRequest request, [EnumeratorCancellation] CancellationToken stop)
    {
        using var message = new HttpRequestMessage(HttpMethod.Post, new Uri("/pbm/execute", UriKind.Relative))
        {
            Content = new ByteArrayContent(JsonSerializer.SerializeToUtf8Bytes(request, ToolJson.Default.ExecuteRequest)),
        };
        message.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        using var response = await GuardAsync(() => _http.SendAsync(message, HttpCompletionOption.ResponseHeadersRead, stop));
        await EnsureAsync(response, stop);
        await using var body = await response.Content.ReadAsStreamAsync(stop);
        using var lines = new StreamReader(body);
        while (true)
        {
            string? line;
            try
            {
                line = await lines.ReadLineAsync(stop);
            }
            catch (Exception broken) when (broken is IOException or HttpRequestException && !stop.IsCancellationRequested)
            {
                line = null;
            }
            if (line is null)
            {
                throw new NodeLinkException(
                    $"The connection to {_node} broke before the command ended. Whether it was carried out is not known: look, then send it again.", ExitCodes.TryAgain);
            }
            var record = JsonSerializer.Deserialize(line, ToolJson.Default.OutputRecord) ?? throw NoNode();
            yield return record;
            if (record.Exit is not null)
                yield break;
        }
    }

    public void Dispose() => _http.Dispose();

    private async Task<HttpResponseMessage> GuardAsync(Func<Task<HttpResponseMessage>> call)
    {
        try
        {
            return await call();
        }
        catch (HttpRequestException failure)
        {
            throw NotReachable(failure);
        }
    }

    private async Task EnsureAsync(HttpResponseMessage response, CancellationToken stop)
    {
        if (response.IsSuccessStatusCode)
            return;
        var body = await response.Content.ReadAsStringAsync(stop);
        NodeProblem? problem = null;
        try
        {
            problem = JsonSerializer.Deserialize(body, ToolJson.Default.NodeProblem);
        }
        catch (JsonException)
        {
            // Not a node's answer: said below.
            problem = null;
        }
        if (problem?.Detail is not { } detail)
            throw NoNode();
        throw new NodeLinkException(detail, (int)response.StatusCode is 401 or 403 ? ExitCodes.NotAllowed : ExitCodes.Refused);
    }

    private NodeLinkException NoNode() =>
        new($"Something answers at {_node}, but it is not the operator's port of a node. That port is Backhaul:Ops:Url of the node, by default 127.0.0.1:9110.", ExitCodes.NotReachable);

    private NodeLinkException NotReachable(HttpRequestException failure) => new(
        $"No node is reachable at {_node} ({(failure.InnerException is SocketException socket ? socket.Message : failure.Message)}). "
        + "Check that the node runs, that its Backhaul:Ops:Url is this address, and that no firewall is between; pbm host:port names another one.",
        ExitCodes.NotReachable);
}

/// <summary>Talking to the node failed; the message is for the operator.</summary>
internal sealed class NodeLinkException(string message, int exitCode) : Exception(message)
{
    public int ExitCode { get; } = exitCode;
}
