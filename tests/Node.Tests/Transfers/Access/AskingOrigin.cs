using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Backhaul.Node.Tests.Transfers.Access;

/// <summary>
/// A server that asks for credentials and checks them: <c>/basic /digest /both /bearer /open</c>, <c>/to?URL</c>, which redirects, and <c>/made?URL</c>, which says that it created that. It verifies Digest by
/// its own arithmetic, keeps its nonces for <see cref="NonceUses"/> requests, and refuses a count that was used before.
/// </summary>
internal sealed class AskingOrigin : IAsyncDisposable
{
    public const string User = "us\u00e9r";
    public const string Password = "pa\u00df:word";
    public const string Token = "tok.en-1";
    public const string Realm = "the \"vault\"";

    private readonly WebApplication _app;
    private readonly ConcurrentDictionary<string, ConcurrentDictionary<string, bool>> _nonces = new(StringComparer.Ordinal);
    private int _nonce;

    private AskingOrigin(WebApplication app) => _app = app;

    /// <summary>Method, path, and the <c>Authorization</c> header of every request.</summary>
    public ConcurrentQueue<(string Method, string Path, string Authorization, long BodyBytes)> Requests { get; } = new();

    public string Algorithm { get; set; } = "SHA-256";

    /// <summary>After so many the server says that the nonce is stale.</summary>
    public int NonceUses { get; set; } = int.MaxValue;

    /// <summary>Every answer is stale, whatever is sent.</summary>
    public bool AlwaysStale { get; set; }

    public int Port => new Uri(_app.Urls.Single()).Port;

    public string Url => string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{Port}");

    /// <summary>The same server under another name: another origin.</summary>
    public string OtherUrl => string.Create(CultureInfo.InvariantCulture, $"http://localhost:{Port}");

    public IReadOnlyList<string> Authorizations => [.. Requests.Select(request => request.Authorization)];

    public static async Task<AskingOrigin> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        var app = builder.Build();
        var origin = new AskingOrigin(app);
        app.Run(origin.AnswerAsync);
        await app.StartAsync();
        return origin;
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private async Task AnswerAsync(HttpContext context)
    {
        var (request, response) = (context.Request, context.Response);
        var authorization = request.Headers.Authorization.ToString();
        var allowed = IsAllowed(request, authorization, out var stale);
        var bytes = allowed || !request.Headers.ContainsKey("Expect") ? await ReadBodyAsync(request) : 0;
        Requests.Enqueue((request.Method, request.Path, authorization, bytes));
        if (request.Path == "/to")
        {
            response.StatusCode = 307;
            response.Headers.Location = Uri.UnescapeDataString(request.QueryString.Value![1..]);
            return;
        }
        if (request.Path == "/made")
        {
            response.StatusCode = 201;
            response.Headers.Location = Uri.UnescapeDataString(request.QueryString.Value![1..]);
            return;
        }
        if (!allowed)
        {
            response.StatusCode = 401;
            foreach (var line in Challenges(request.Path, stale))
                response.Headers.Append("WWW-Authenticate", line);
            await response.WriteAsync("Who are you?");
            return;
        }
        response.Headers.ETag = "\"1\"";
        await response.WriteAsync("the content");
    }

    private List<string> Challenges(string path, bool stale)
    {
        var realm = Quote(Realm);
        var nonce = $"n{Interlocked.Increment(ref _nonce)}";
        _nonces[nonce] = new(StringComparer.Ordinal);
        var digest = $"Digest realm={realm}, nonce=\"{nonce}\", qop=\"auth,auth-int\", algorithm={Algorithm}{(stale ? ", stale=true" : "")}";
        return path switch
        {
            "/basic" => [$"Basic realm={realm}, charset=\"UTF-8\""],
            "/bearer" => ["Bearer"],
            "/digest" => [digest],
            _ => [$"Basic realm={realm}", digest],
        };
    }

    private bool IsAllowed(HttpRequest request, string authorization, out bool stale)
    {
        stale = false;
        return request.Path.Value switch
        {
            "/open" or "/to" or "/made" => true,
            "/basic" => authorization == $"Basic {Convert.ToBase64String(Encoding.UTF8.GetBytes($"{User}:{Password}"))}",
            "/bearer" => authorization == $"Bearer {Token}",
            _ => IsRightDigest(request, authorization, out stale),
        };
    }

    private bool IsRightDigest(HttpRequest request, string authorization, out bool stale)
    {
        stale = false;
        if (!authorization.StartsWith("Digest ", StringComparison.Ordinal))
            return false;
        var given = authorization[7..].Split(", ").Select(part => part.Split('=', 2)).ToDictionary(part => part[0], part => part[1].Trim('"'), StringComparer.Ordinal);
        var target = $"{request.Path}{request.QueryString}";
        var secret = Hash($"{User}:{Realm}:{Password}");
        if (Algorithm.EndsWith("-sess", StringComparison.OrdinalIgnoreCase))
            secret = Hash($"{secret}:{given["nonce"]}:{given["cnonce"]}");
        var right = Hash($"{secret}:{given["nonce"]}:{given["nc"]}:{given["cnonce"]}:auth:{Hash($"{request.Method}:{target}")}");
        if (given["response"] != right || given["uri"] != target || given["username*"] != $"UTF-8''{Uri.EscapeDataString(User)}")
            return false;
        var isNew = _nonces.TryGetValue(given["nonce"], out var counts) && counts.TryAdd(given["nc"], true) && counts.Count <= NonceUses;
        stale = !isNew || AlwaysStale;
        return !stale;
    }

    private string Hash(string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
#pragma warning disable CA5351 // half of the servers that speak Digest speak no other
        return Convert.ToHexStringLower(Algorithm.StartsWith("MD5", StringComparison.Ordinal) ? MD5.HashData(bytes) : SHA256.HashData(bytes));
#pragma warning restore CA5351
    }

    private static string Quote(string text) => $"\"{text.Replace("\"", "\\\"", StringComparison.Ordinal)}\"";

    private static async Task<long> ReadBodyAsync(HttpRequest request)
    {
        var buffer = new byte[64 * 1024];
        long bytes = 0;
        while (await request.Body.ReadAsync(buffer) is > 0 and var count)
            bytes += count;
        return bytes;
    }
}
