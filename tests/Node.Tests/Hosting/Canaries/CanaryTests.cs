using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Backhaul.Node.Sessions;
using Backhaul.Node.Tests.Sessions;
using Backhaul.Protocol;
using Xunit;

namespace Backhaul.Node.Tests.Hosting.Canaries;

/// <summary>
/// A secret of its own in every place that takes one, through success, failure, retry, challenges, redirects, refusals, silence and a restart; each must arrive
/// where it was meant to, and then everything the node ever put out is searched for all of them.
/// </summary>
[Collection(nameof(MeasuredAlone))] // it listens to every span of the process, which other tests would then record
public sealed class CanaryTests : IAsyncDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("backhaul-").FullName;
    private readonly CanaryBook _book = new();
    private readonly NodeWatch _watch = new();
    private readonly CanaryOrigin _origin;
    private readonly List<string> _tasks = [];

    public CanaryTests() => _origin = new CanaryOrigin(Secret).Start();

    public async ValueTask DisposeAsync()
    {
        _watch.Stop();
        await _origin.DisposeAsync();
        Directory.Delete(_directory, recursive: true);
    }

    [Fact]
    public async Task A_canary_in_every_place_that_takes_a_secret_is_found_nowhere()
    {
        var key = Secret("key of the client");
        var options = Options(key);
        await using (var node = await CanaryNode.StartAsync(_directory, _watch, key, options))
        {
            await ConfigureAsync(node);
            await DownloadAsync(node);
            await UploadAsync(node);
            await AnswerAsync(node);
            await PrefetchAsync(node);
            await RefuseAsync(node);
            await LeaveAsync(node);
            await node.CollectAsync("s", _tasks);
        }
        Search(); // the journal with its log, as a killed node would leave it, and what a snapshot has
        await using (var node = await CanaryNode.StartAsync(_directory, _watch, key, options))
        {
            await GoOnAsync(node);
            await node.CollectAsync("s", _tasks);
        }
        Search();
    }

    /// <summary>
    /// As an earlier release stored it, or a seam that forgot: past the edge, nothing seals. The journal has it then and the search finds it, or the search would
    /// prove nothing; and it is still sent as it is, and not shown.
    /// </summary>
    [Fact]
    public async Task What_is_not_sealed_is_found_in_the_journal_is_sent_as_it_is_and_still_not_shown()
    {
        var key = Secret("key of the client");
        await using (var node = await CanaryNode.StartAsync(_directory, _watch, key, Options(key)))
        {
            await node.SendAsync("PUT", "/v1/sessions/s", null, 201);
            await node.PastTheEdgeAsync("s", new TaskSpec
            {
                Id = TaskId.Parse("old"),
                Kind = TaskKind.Download,
                Method = "GET",
                Url = $"{_origin.Url}/moved?token={Secret("query of old")}",
                Headers = new Dictionary<string, string> { ["X-Token"] = Secret("header of old") },
            });
            await node.UntilEndedAsync("s", "old", "succeeded");
            Assert.True(_origin.Has($"/moved?token={Secret("query of old")}", Secret("header of old")));
            await node.CollectAsync("s", ["old"]);
        }
        Assert.Empty(_watch.Said.SelectMany(said => _book.FindIn(said.Source, said.Text)));
        var found = string.Join('\n', InFiles());
        Assert.Contains("journal.db has the canary of query of old", found, StringComparison.Ordinal);
        Assert.Contains("journal.db has the canary of header of old", found, StringComparison.Ordinal);
        Assert.DoesNotContain("redirect", found, StringComparison.Ordinal);
    }

    private string Secret(string place) => _book.Of(place);

    private List<string> Options(string key)
    {
        using var rsa = RSA.Create(2048);
        using var certificate = new CertificateRequest("CN=client", rsa, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)
            .CreateSelfSigned(DateTimeOffset.UnixEpoch, new DateTimeOffset(2199, 1, 1, 0, 0, 0, TimeSpan.Zero));
        var pfx = Convert.ToBase64String(certificate.Export(X509ContentType.Pkcs12, Secret("password of the certificate")));
        return
        [
            $"--Backhaul:Security:Keys:0:Sha256={Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(key)))}", "--Backhaul:Security:Keys:0:Role=Admin",
            "--Backhaul:Secrets:user:Kind=basic", $"--Backhaul:Secrets:user:UserName={Secret("user by name")}", $"--Backhaul:Secrets:user:Password={Secret("password by name")}",
            "--Backhaul:Secrets:token:Kind=bearer", $"--Backhaul:Secrets:token:Token={Secret("token by name")}",
            "--Backhaul:Secrets:gate:Kind=proxy", $"--Backhaul:Secrets:gate:Url={_origin.Url}", $"--Backhaul:Secrets:gate:UserName={Secret("user of the proxy")}",
            $"--Backhaul:Secrets:gate:Password={Secret("password of the proxy")}",
            "--Backhaul:Secrets:nobody:Kind=proxy", $"--Backhaul:Secrets:nobody:Url={_origin.Url}",
            "--Backhaul:Secrets:store:Kind=s3", $"--Backhaul:Secrets:store:AccessKey={Secret("access key")}", $"--Backhaul:Secrets:store:SecretKey={Secret("secret key")}",
            "--Backhaul:Secrets:me:Kind=clientCertificate", $"--Backhaul:Secrets:me:Pfx={pfx}", $"--Backhaul:Secrets:me:Password={Secret("password of the certificate")}",
        ];
    }

    private object Configuration() => new
    {
        additionalHeaders = new Dictionary<string, string> { ["X-Api-Key"] = Secret("header of the session"), ["Cookie"] = $"id={Secret("cookie of the session")}" },
        retry = new { first = "PT0.01S" },
        requestTimeout = "PT1S",
        launch = new { url = $"{_origin.Url}/launch?token={Secret("query of the launch URL")}", secret = $"whsec_{Secret("secret of the launch")}" },
    };

    private async Task ConfigureAsync(CanaryNode node)
    {
        await node.SendAsync("PUT", "/v1/sessions/s", Configuration(), 201);
        var again = await node.SendAsync("PUT", "/v1/sessions/s", Configuration(), 200);
        Assert.Equal(1, again.GetProperty("configurationVersion").GetInt32());
        // Its events are acknowledged by its receiver, so they are sought in what that received.
        var push = new { url = $"{_origin.Url}/push?token={Secret("query of the push URL")}", secret = $"whsec_{Secret("secret of the push")}" };
        await node.SendAsync("PUT", "/v1/sessions/pushed", new { push }, 201);
        await node.AddAsync("pushed", new { id = "ok", kind = "download", url = $"{_origin.Url}/moved?token={Secret("query of a task that is pushed")}" });
        await node.SendAsync("PUT", "/v1/sessions/named", new { credentials = new[] { new { secret = "user" }, new { secret = "token" } }, retry = new { first = "PT0.01S" } }, 201);
        await node.SendAsync("PUT", "/v1/sessions/proxied", new { proxy = "gate", tls = new { clientCertificate = "me" } }, 201);
    }

    private async Task DownloadAsync(CanaryNode node)
    {
        var all = new Dictionary<string, string> { ["ok"] = "succeeded", ["missing"] = "failed", ["again"] = "succeeded", ["moved"] = "succeeded", ["away"] = "succeeded", ["made"] = "succeeded" };
        foreach (var path in all.Keys)
            await AddAsync(node, path, $"{_origin.Url}/{path}?token={Secret($"query of {path}")}", Secret($"header of {path}"));
        foreach (var (path, outcome) in all)
            await node.UntilEndedAsync("s", path, outcome);
        Assert.True(_origin.Has($"/ok?token={Secret("query of ok")}", $"Bearer {Secret("header of ok")}"));
        Assert.True(_origin.Has("/ok", Secret("header of the session")));
        Assert.True(_origin.Has("/ok", Secret("cookie of the session")));
        Assert.True(_origin.Has($"/ok?token={Secret("redirect")}", Secret("header of moved")));
        Assert.True(_origin.Has($"/ok/away?token={Secret("redirect away")}", "Host: localhost"));
        Assert.False(_origin.Has("/ok/away", Secret("header of away")));
        var notify = new { success = $"{_origin.Url}/success?token={Secret("query of the success URL")}", failure = $"{_origin.Url}/failure?token={Secret("query of the failure URL")}" };
        await node.AddAsync("s", new { id = "told", kind = "download", url = $"{_origin.Url}/ok/told?token={Secret("query of told")}", notify });
        await node.AddAsync("s", new { id = "told-failure", kind = "download", url = $"{_origin.Url}/missing?token={Secret("query of told-failure")}", notify });
        await EventuallyAsync(() => _origin.Has($"/success?token={Secret("query of the success URL")}", "succeeded"));
        await EventuallyAsync(() => _origin.Has($"/failure?token={Secret("query of the failure URL")}", "failed"));
        _tasks.AddRange(["told", "told-failure"]);
        await AddAsync(node, "hang", $"{_origin.Url}/hang?token={Secret("query of hang")}", Secret("header of hang"));
        await AddAsync(node, "closed", $"http://127.0.0.1:1/?token={Secret("query of closed")}", Secret("header of closed"));
        await AddAsync(node, "nowhere", $"http://nowhere.invalid/?token={Secret("query of nowhere")}#{Secret("fragment")}", Secret("header of nowhere"));
        foreach (var id in (string[])["hang", "closed", "nowhere"])
            await node.UntilAsync("s", id, view => view.GetProperty("attempts").GetInt32() > 1);
        await node.SendAsync("POST", "/v1/sessions/named/tasks", new { id = "basic", kind = "download", url = $"{_origin.Url}/basic?named" }, 201);
        await node.SendAsync("POST", "/v1/sessions/named/tasks", new { id = "bearer", kind = "download", url = $"{_origin.Url}/bearer?named" }, 201);
        await node.SendAsync("POST", "/v1/sessions/proxied/tasks", new { id = "ok", kind = "download", url = $"{_origin.Url}/ok/proxied?token={Secret("query through the proxy")}" }, 201);
        await node.UntilEndedAsync("named", "basic", "succeeded");
        await node.UntilEndedAsync("named", "bearer", "succeeded");
        await node.UntilEndedAsync("proxied", "ok", "succeeded");
        Assert.True(_origin.Has("/bearer?named", Secret("token by name")));
        Assert.True(_origin.Has("/ok/proxied", Convert.ToBase64String(Encoding.UTF8.GetBytes($"{Secret("user of the proxy")}:{Secret("password of the proxy")}"))));
    }

    private async Task UploadAsync(CanaryNode node)
    {
        await node.SendAsync("PUT", "/v1/files/default/up.bin", "the bytes", 201, "application/octet-stream");
        var upload = (string id, string path, string protocol) => node.AddAsync("s", new
        {
            id,
            kind = "upload",
            url = $"{_origin.Url}{path}?token={Secret($"query of {id}")}",
            source = "default/up.bin",
            uploadProtocol = protocol,
            headers = new Dictionary<string, string> { ["X-Token"] = Secret($"header of {id}") },
        });
        await upload("plain", "/ok/plain", "plain");
        await upload("tus", "/tus", "tus");
        await node.AddAsync("s", new
        {
            id = "form",
            kind = "upload",
            url = $"{_origin.Url}/ok/form",
            parts = new[] { new { name = "password", text = Secret("text of a part"), headers = new Dictionary<string, string> { ["X-Part"] = Secret("header of a part") } } },
        });
        await node.SendAsync("PUT", "/v1/sessions/stored", new { credentials = new[] { new { secret = "store" } } }, 201);
        await node.AddAsync("stored", new { id = "object", kind = "upload", url = $"{_origin.Url}/bucket/object", source = "default/up.bin", uploadProtocol = "s3" });
        await node.UntilEndedAsync("s", "plain", "succeeded");
        await node.UntilEndedAsync("s", "tus", "succeeded");
        await node.UntilEndedAsync("s", "form", "succeeded");
        await node.UntilEndedAsync("stored", "object", "failed");
        _tasks.AddRange(["plain", "tus", "form"]);
        Assert.True(_origin.Has($"/tus/one?sig={Secret("upload location")}", Secret("header of tus")));
        Assert.True(_origin.Has("/ok/form", Secret("text of a part")));
        Assert.True(_origin.Has("/ok/form", Secret("header of a part")));
        Assert.True(_origin.Has("/bucket/object", Secret("access key")));
    }

    private async Task AnswerAsync(CanaryNode node)
    {
        var credential = new { answer = "useCredential", credential = new { userName = Secret("user of the answer"), password = Secret("password of the answer") } };
        await AddAsync(node, "basic", $"{_origin.Url}/basic?token={Secret("query of basic")}", header: null);
        await AddAsync(node, "bearer", $"{_origin.Url}/bearer", header: null);
        await node.UntilWaitingAsync("s", "basic", "credential");
        await node.UntilWaitingAsync("s", "bearer", "credential");
        await node.CollectAsync("s", ["basic"]);
        await node.SendAsync("POST", "/v1/sessions/s/tasks/basic/challenge", credential, 202, headers: ("Idempotency-Key", "the-answer"));
        await node.SendAsync("POST", "/v1/sessions/s/tasks/basic/challenge", credential, 202, headers: ("Idempotency-Key", "the-answer"));
        await node.SendAsync("POST", "/v1/sessions/s/tasks/bearer/challenge", new { answer = "useCredential", credential = new { token = Secret("token of the answer") } }, 202);
        await node.UntilEndedAsync("s", "basic", "succeeded");
        await node.UntilEndedAsync("s", "bearer", "succeeded");
        Assert.True(_origin.Has("/bearer", Secret("token of the answer")));

        await node.SendAsync("PUT", "/v1/sessions/gated", new { proxy = "nobody" }, 201);
        await node.AddAsync("gated", new { id = "ok", kind = "download", url = $"{_origin.Url}/ok/gated?token={Secret("query behind a proxy that asks")}" });
        await node.UntilWaitingAsync("gated", "ok", "credential");
        await node.SendAsync("POST", "/v1/sessions/gated/tasks/ok/challenge", new { answer = "useCredential", credential = new { userName = "u", password = Secret("password for the proxy") } }, 202);
        await node.UntilEndedAsync("gated", "ok", "succeeded");
        Assert.True(_origin.Has("/ok/gated", Convert.ToBase64String(Encoding.UTF8.GetBytes($"u:{Secret("password for the proxy")}"))));
        await node.CollectAsync("gated", ["ok"]);

        await node.AddAsync("s", new { id = "asked", kind = "download", url = $"{_origin.Url}/missing?token={Secret("query of asked")}", askBeforeStart = new { timeout = "PT60S" } });
        _tasks.Add("asked");
        await node.UntilWaitingAsync("s", "asked", "delayedRequest");
        await node.SendAsync("POST", "/v1/sessions/s/tasks/asked/delayed-request", new
        {
            answer = "useNewRequest",
            url = $"{_origin.Url}/ok/asked?token={Secret("query of the new request")}",
            headers = new Dictionary<string, string> { ["X-Token"] = Secret("header of the new request") },
        }, 202);
        await node.UntilEndedAsync("s", "asked", "succeeded");
        Assert.True(_origin.Has($"/ok/asked?token={Secret("query of the new request")}", Secret("header of the new request")));
    }

    private async Task PrefetchAsync(CanaryNode node)
    {
        await node.SendAsync("PUT", "/v1/sessions/ahead", null, 201);
        await node.SendAsync("PUT", "/v1/sessions/ahead/prefetch", new
        {
            urls = new[] { $"{_origin.Url}/ok/ahead?token={Secret("query of a prefetched URL")}", $"{_origin.Url}/missing?token={Secret("query of a prefetched URL that fails")}" },
            listUrl = $"{_origin.Url}/list?token={Secret("query of a list URL")}",
        }, 201);
        await EventuallyAsync(() => _origin.Has($"/ok/ahead?token={Secret("query of a prefetched URL")}", ""));
        await EventuallyAsync(() => _origin.Has($"/ok/listed?token={Secret("query of a URL in a list")}", ""));
        await EventuallyAsync(() => _origin.Has($"/missing?token={Secret("query of a prefetched URL that fails")}", ""));
        await node.SendAsync("GET", "/v1/sessions/ahead/prefetch", null, 200);
        await node.CollectAsync("ahead", []);
    }

    /// <summary>Requests that are refused must not say back what they were given.</summary>
    private async Task RefuseAsync(CanaryNode node)
    {
        var url = $"{_origin.Url}/ok";
        foreach (var (place, task) in new (string, Func<string, object>)[]
        {
            ("user of a URL", secret => new { kind = "download", url = $"http://{secret}:pw@127.0.0.1/" }),
            ("password of a URL", secret => new { kind = "download", url = $"http://user:{secret}@127.0.0.1/" }),
            ("query of a bad scheme", secret => new { kind = "download", url = $"ftp://127.0.0.1/?{secret}" }),
            ("query with a blank", secret => new { kind = "download", url = $"{url}?a b={secret}" }),
            ("header with a line break", secret => new { kind = "download", url, headers = new Dictionary<string, string> { ["X-A"] = $"{secret}\r\nB: c" } }),
            ("proxy header", secret => new { kind = "download", url, headers = new Dictionary<string, string> { ["Proxy-Authorization"] = secret } }),
            ("two headers of a name", secret => new { kind = "download", url, headers = new Dictionary<string, string> { ["X-A"] = secret, ["x-a"] = secret } }),
            ("not a kind", secret => new { kind = secret, url }),
            ("not a number", secret => new { kind = "download", url, priority = secret }),
            ("resume data that is none", secret => new { kind = "download", url, resumeData = $"bh-resume-1.{secret}.{secret}" }),
            ("body that is none", secret => $"{{\"kind\":\"download\",\"url\":\"{url}?token={secret}\",,"),
        })
        {
            await node.SendAsync("POST", "/v1/sessions/s/tasks", task(Secret(place)), 400);
        }
        foreach (var (place, session) in new (string, Func<string, object>)[]
        {
            ("authorization of a session", secret => new { additionalHeaders = new Dictionary<string, string> { ["Authorization"] = secret } }),
            ("secret in place of a name", secret => new { credentials = new[] { new { secret } } }),
            ("proxy in place of a name", secret => new { proxy = secret }),
            ("proxy with a user", secret => new { proxy = $"http://user:{secret}@127.0.0.1:3128" }),
            ("certificate in place of a name", secret => new { tls = new { clientCertificate = secret } }),
            ("webhook secret that is none", secret => new { push = new { url, secret } }),
            ("webhook secret that is short", secret => new { launch = new { url, secret = $"whsec_{secret}!" } }),
            ("user of a push URL", secret => new { push = new { url = $"http://u:{secret}@127.0.0.1/", secret = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" } }),
        })
        {
            await node.SendAsync("PUT", "/v1/sessions/refused", session(Secret(place)), 400);
        }
        await node.SendAsync("PATCH", "/v1/sessions/s/tasks/ok", new { url = $"{url}?token={Secret("change of an ended task")}" }, 409);
        await node.SendAsync("POST", "/v1/sessions/s/tasks", new { id = "ok", kind = "download", url = $"{url}?token={Secret("task that is there")}" }, 409);
        await node.SendAsync("POST", "/v1/sessions/absent/tasks", new { kind = "download", url = $"{url}?token={Secret("task of no session")}" }, 404);
        await node.SendAsync("POST", "/v1/sessions/s/tasks/ok/challenge", new { answer = "useCredential", credential = new { userName = "u", password = Secret("answer to nothing") } }, 409);
        await node.SendAsync("POST", "/v1/sessions/s/tasks/ok/challenge", new { answer = "useCredential", secret = Secret("answer by no name") }, 400);
        await node.SendAsync("POST", "/v1/sessions/s/tasks/ok/delayed-request", new { answer = "useNewRequest", url = $"{url}?token={Secret("answer to no question")}" }, 409);
        await node.SendAsync("GET", "/v1/sessions/s/launch", null, 200);
        await node.SendAsync("POST", "/v1/sessions/s/launch/test", null, 200);
        await node.SendAsync("GET", "/v1/sessions/pushed/push", null, 200);
        await node.SendAsync("GET", "/v1/sessions/s", null, 401, headers: ("Authorization", $"Bearer {Secret("wrong key")}"));
        var reused = (string secret) => new { kind = "download", url = $"{url}?token={secret}", start = false };
        await node.SendAsync("POST", "/v1/sessions/s/tasks", reused(Secret("first of a key")), 201, headers: ("Idempotency-Key", Secret("idempotency key")));
        await node.SendAsync("POST", "/v1/sessions/s/tasks", reused(Secret("second of a key")), 422, headers: ("Idempotency-Key", Secret("idempotency key")));
        await node.SendAsync("POST", "/v1/sessions/s/tasks", reused(Secret("first of a key")), 201, headers: ("Idempotency-Key", Secret("idempotency key")));
    }

    /// <summary>What is still to do when the node stops.</summary>
    private async Task LeaveAsync(CanaryNode node)
    {
        await node.AddAsync("s", new { id = "later", kind = "download", url = $"{_origin.Url}/missing?token={Secret("query of later")}", start = false });
        await node.SendAsync("PATCH", "/v1/sessions/s/tasks/later", new
        {
            url = $"{_origin.Url}/ok/later?token={Secret("changed query")}",
            headers = new Dictionary<string, string> { ["X-Token"] = Secret("changed header") },
        }, 200);
        var task = new { id = "bulk", kind = "download", url = $"{_origin.Url}/ok/bulk?token={Secret("query of a line")}", start = false, headers = new Dictionary<string, string> { ["X-Token"] = Secret("header of a line") } };
        await node.SendAsync("POST", "/v1/sessions/s/tasks", System.Text.Json.JsonSerializer.Serialize(task) + "\n", 200, "application/x-ndjson");
        await node.SendAsync("POST", "/v1/sessions/s/tasks", task, 200); // the same, as it was given before
        await node.SendAsync("POST", "/v1/sessions/s/tasks", new[] { task with { id = "array" } }, 200);
        await AddAsync(node, "stall", $"{_origin.Url}/stall?token={Secret("query of stall")}", Secret("header of stall"));
        await node.UntilAsync("s", "stall", view => view.GetProperty("progress").GetProperty("bytesReceived").GetInt64() >= CanaryOrigin.Length / 2);
        var kept = await node.SendAsync("POST", "/v1/sessions/s/tasks/stall/resume-data", null, 200);
        var document = kept.GetProperty("resumeData").GetString()!;
        _watch.Say("resume data", Encoding.UTF8.GetString(System.Buffers.Text.Base64Url.DecodeFromChars(document.Split('.')[1])));
        await node.SendAsync("PUT", "/v1/sessions/other", null, 201);
        await node.SendAsync("POST", "/v1/sessions/other/tasks", new { id = "from", resumeData = document }, 201);
        await node.SendAsync("POST", "/v1/sessions/other/tasks", new { id = "from-url", url = $"{_origin.Url}/stall?token={Secret("query of stall")}", resumeData = document, start = false }, 201);
        await node.UntilAsync("other", "from", view => view.GetProperty("attempts").GetInt32() >= 1);
        _tasks.AddRange(["later", "bulk", "array"]);
    }

    private async Task GoOnAsync(CanaryNode node)
    {
        await node.SendAsync("PUT", "/v1/sessions/s", Configuration(), 200);
        foreach (var id in (string[])["later", "bulk", "array"])
            await node.SendAsync("POST", $"/v1/sessions/s/tasks/{id}/resume", null, 202);
        foreach (var id in (string[])["later", "bulk", "array"])
            await node.UntilEndedAsync("s", id, "succeeded");
        foreach (var id in (string[])["hang", "closed", "nowhere"])
            await node.SendAsync("POST", $"/v1/sessions/s/tasks/{id}/cancel", null, 202);
        Assert.True(_origin.Has($"/ok/later?token={Secret("changed query")}", Secret("changed header")));
        Assert.True(_origin.Has($"/ok/bulk?token={Secret("query of a line")}", Secret("header of a line")));
        await EventuallyAsync(() => _origin.Has($"/push?token={Secret("query of the push URL")}", "taskCompleted"));
        await EventuallyAsync(() => _origin.Has($"/launch?token={Secret("query of the launch URL")}", "launch"));
    }

    private async Task AddAsync(CanaryNode node, string id, string url, string? header)
    {
        _tasks.Add(id);
        await node.AddAsync("s", header is null
            ? new { id, kind = "download", url }
            : new { id, kind = "download", url, headers = new Dictionary<string, string> { ["Authorization"] = $"Bearer {header}" } });
    }

    private static async Task EventuallyAsync(Func<bool> condition)
    {
        var deadline = TimeProvider.System.GetUtcNow() + TimeSpan.FromSeconds(30);
        while (!condition())
        {
            Assert.True(TimeProvider.System.GetUtcNow() < deadline);
            await Task.Delay(20, TestContext.Current.CancellationToken);
        }
    }

    /// <summary>All but what was prefetched: the list of URLs lies there as its server sent it, a file like any other.</summary>
    private IEnumerable<string> InFiles() => Directory.GetFiles(_directory, "*", SearchOption.AllDirectories)
        .Where(path => !path.Contains("/prefetch/ahead/", StringComparison.Ordinal))
        .SelectMany(path => _book.FindIn(Path.GetRelativePath(_directory, path), File.ReadAllBytes(path)));

    private void Search()
    {
        Assert.Contains(_watch.Said, said => said.Source.StartsWith("span", StringComparison.Ordinal));
        Assert.Contains(_watch.Said, said => said.Source.StartsWith("event source System.Net.Http", StringComparison.Ordinal));
        var found = _watch.Said.SelectMany(said => _book.FindIn(said.Source, said.Text)).ToList();
        found.AddRange(InFiles());
        foreach (var webhook in _origin.Received.Where(request => request.Contains("webhook-id:", StringComparison.OrdinalIgnoreCase)))
            found.AddRange(_book.FindIn("webhook", webhook[webhook.IndexOf("\r\n", StringComparison.Ordinal)..]));
        found.AddRange(_watch.Said.Where(said => said.Source != "resume data" && said.Text.Contains("sealed1:", StringComparison.Ordinal)).Select(said => $"{said.Source} shows a seal: {said.Text}"));
        Assert.True(found.Count == 0, string.Join('\n', found.Distinct(StringComparer.Ordinal).Take(40)));
    }
}
