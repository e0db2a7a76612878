using Backhaul.FaultOrigin;

namespace Backhaul.Features.Tests;

/// <summary>
/// The scripted origin at an address of this test alone: to a node each address is an origin of its own, with its own connections, faults and patience.
/// </summary>
/// <param name="origin">Serves all tests.</param>
/// <param name="host">The address.</param>
/// <param name="owner">The test's name: the origin counts requests of a path, whatever its address.</param>
internal sealed class TestOrigin(ScriptedOrigin origin, string host, string owner)
{
    public string Host => host;

    /// <summary>Of everything that it serves.</summary>
    public string Url { get; } = string.Create(System.Globalization.CultureInfo.InvariantCulture, $"http://{host}:{origin.Port}");

    /// <summary>Requests to this address so far.</summary>
    public IReadOnlyList<OriginRequest> Requests =>
        [.. origin.Requests.Where(request => request.Headers.TryGetValue("Host", out var named) && named.StartsWith(host + ":", StringComparison.Ordinal))];

    /// <summary>A file; <see cref="OriginScript.Words"/> has the words of the query.</summary>
    public string Bytes(string seed, long length, string query = "") => origin.BytesAt(host, SeedOf(seed), length, query);

    /// <summary>The bytes of that file.</summary>
    public byte[] Content(string seed, int length) => OriginContent.Bytes(SeedOf(seed), 0, length);

    public string Sha256(string seed, int length) => OriginContent.Sha256(SeedOf(seed), length);

    /// <summary>A path of this test for uploads: below <c>/upload</c>, <c>/tus</c> or <c>/resumable</c>.</summary>
    public string Target(string kind, string name, string query = "") => $"{Url}/{kind}/{owner}-{name}{(query.Length > 0 ? "?" + query : "")}";


    public IReadOnlyList<OriginRequest> RequestsOf(string seed) =>
        [.. Requests.Where(request => request.Path.StartsWith($"/bytes/{SeedOf(seed)}/", StringComparison.Ordinal))];

    private string SeedOf(string seed) => $"{owner}-{seed}";
}
