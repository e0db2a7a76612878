using System.Text.Json;
using Backhaul.Client.Calls;
using Backhaul.Protocol;

namespace Backhaul.Client;

/// <summary>
/// What a session fetches again and again by itself, so that its files are there before anybody asks for them. Only a handle: the rounds go on
/// when the process ends, and their tasks raise no events.
/// </summary>
public sealed class ContentPrefetcher
{
    private readonly Caller _caller;
    private readonly string _path;

    internal ContentPrefetcher(Caller caller, string session) => (_caller, _path) = (caller, $"{session}/prefetch");

    /// <summary>Says what is prefetched from now on, in place of what was. A round begins at once, unless nothing changed.</summary>
    public Task<PrefetchView> SetAsync(PrefetchRequest request, CancellationToken stop = default) =>
        _caller.RunAsync(
            new Call(HttpMethod.Put, _path) { Body = JsonSerializer.SerializeToUtf8Bytes(request, ProtocolJson.Default.PrefetchRequest) },
            Caller.ReadAs(ProtocolJson.Default.PrefetchView),
            stop);

    /// <summary>What is prefetched, when everything was fetched last, the newest round with its files and what of them had not changed, and when the next begins.</summary>
    /// <exception cref="BackhaulException">With the code <c>prefetchNotFound</c>: nothing is.</exception>
    public Task<PrefetchView> GetAsync(CancellationToken stop = default) => _caller.GetAsync(_path, ProtocolJson.Default.PrefetchView, stop);

    /// <summary>Stops prefetching and returns what it was; files stay.</summary>
    public Task<PrefetchView> RemoveAsync(CommandId? intent = null, CancellationToken stop = default) =>
        _caller.CommandAsync(HttpMethod.Delete, _path, null, ProtocolJson.Default.PrefetchView, intent, stop);
}
