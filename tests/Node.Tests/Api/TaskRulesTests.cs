using System.Text;
using Backhaul.Node.Api;
using Backhaul.Node.Security;
using Backhaul.Node.Sessions;
using Backhaul.Protocol;
using Xunit;

namespace Backhaul.Node.Tests.Api;

public sealed class TaskRulesTests
{
    private const string Hash = "E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855";

    /// <summary>Fields besides kind and url (download), the code, the field.</summary>
    public static TheoryData<string, string, string?> BadDownloads => new()
    {
        { """ "id":"t12" """, "invalidIdentifier", "id" },
        { """ "id":"" """, "invalidIdentifier", "id" },
        { """ "id":"a/b" """, "invalidIdentifier", "id" },
        { """ "method":"CONNECT" """, "invalidField", "method" },
        { """ "method":"trace" """, "invalidField", "method" },
        { """ "method":"GE T" """, "invalidField", "method" },
        { """ "method":"" """, "invalidField", "method" },
        { """ "headers":{"A b":"1"} """, "invalidHeader", "headers" },
        { """ "headers":{"":"1"} """, "invalidHeader", "headers" },
        { """ "headers":{"X-A":"1\r\nHost: evil"} """, "invalidHeader", "headers.X-A" },
        { """ "headers":{"X-A":"1\n2"} """, "invalidHeader", "headers.X-A" },
        { """ "headers":{"X-A":"a\u0000b"} """, "invalidHeader", "headers.X-A" },
        { """ "headers":{"X-A":"caf\u00e9"} """, "invalidHeader", "headers.X-A" },
        { """ "headers":{"X-A":"\u007f"} """, "invalidHeader", "headers.X-A" },
        { """ "headers":{"X-A":null} """, "invalidHeader", "headers.X-A" },
        { """ "headers":{"X-A":"1","x-a":"2"} """, "invalidHeader", "headers.x-a" },
        { """ "headers":{"If-Modified-Since":"yesterday"} """, "invalidHeader", "headers.If-Modified-Since" },
        { """ "headers":{"Host":"evil"} """, "forbiddenHeader", "headers.Host" },
        { """ "headers":{"connection":"close"} """, "forbiddenHeader", "headers.connection" },
        { """ "headers":{"Content-Length":"1"} """, "forbiddenHeader", "headers.Content-Length" },
        { """ "headers":{"Transfer-Encoding":"chunked"} """, "forbiddenHeader", "headers.Transfer-Encoding" },
        { """ "headers":{"TE":"trailers"} """, "forbiddenHeader", "headers.TE" },
        { """ "headers":{"Upgrade":"h2c"} """, "forbiddenHeader", "headers.Upgrade" },
        { """ "headers":{"Expect":"100-continue"} """, "forbiddenHeader", "headers.Expect" },
        { """ "headers":{"Proxy-Authorization":"x"} """, "forbiddenHeader", "headers.Proxy-Authorization" },
        { """ "headers":{"proxy-anything":"x"} """, "forbiddenHeader", "headers.proxy-anything" },
        { """ "headers":{"Range":"bytes=0-"} """, "forbiddenHeader", "headers.Range" },
        { """ "headers":{"If-Range":"\"a\""} """, "forbiddenHeader", "headers.If-Range" },
        { """ "headers":{":path":"/"} """, "forbiddenHeader", "headers" },
        { """ "source":{"path":"a"} """, "invalidField", "source" },
        { """ "destination":{"container":"other","path":"a"} """, "unknownContainer", "destination.container" },
        { """ "destination":"other/a" """, "unknownContainer", "destination.container" },
        { """ "destination":{"path":"../a"} """, "invalidPath", "destination" },
        { """ "destination":{"path":"/a"} """, "invalidPath", "destination" },
        { """ "destination":"default/a/../../b" """, "invalidPath", "destination" },
        { """ "destination":{"container":"default"} """, "invalidField", "destination" },
        { """ "destination":{"path":"a","path":"b"} """, "invalidField", "destination" },
        { """ "destination":7 """, "invalidField", "destination" },
        { """ "priority":1.01 """, "invalidField", "priority" },
        { """ "priority":-0.1 """, "invalidField", "priority" },
        { """ "priority":1e999 """, "invalidField", "priority" },
        { """ "priority":"high" """, "invalidField", "priority" },
        { """ "start":"yes" """, "invalidField", "start" },
        { """ "earliestBeginAt":"tomorrow" """, "invalidField", "earliestBeginAt" },
        { """ "earliestBeginAt":"2030-01-01T00:00:00" """, "invalidField", "earliestBeginAt" },
        { """ "earliestBeginAt":"1970-01-01T00:00:00Z" """, "invalidField", "earliestBeginAt" },
        { """ "deadline":"9999-01-01T00:00:00Z" """, "invalidField", "deadline" },
        { """ "earliestBeginAt":"2030-01-02T00:00:00Z","deadline":"2030-01-01T00:00:00Z" """, "invalidField", "deadline" },
        { """ "expectedBytes":{"send":-1} """, "invalidField", "expectedBytes.send" },
        { """ "expectedBytes":{"receive":-1} """, "invalidField", "expectedBytes.receive" },
        { """ "expectedBytes":{"receive":1.5} """, "invalidField", "expectedBytes.receive" },
        { """ "expectedBytes":{"recieve":1} """, "unknownField", "expectedBytes.recieve" },
        { """ "digest":{"algorithm":"md5","value":"x"} """, "invalidField", "digest.algorithm" },
        { """ "digest":{"algorithm":"sha-256","value":"abc"} """, "invalidField", "digest.value" },
        { """ "digest":{"algorithm":"sha-256"} """, "invalidField", "digest.value" },
        { """ "digest":{"algorithm":"sha-256","value":null} """, "invalidField", "digest.value" },
        { """ "acceptStatus":["4xx"] """, "invalidField", "acceptStatus[0]" },
        { """ "acceptStatus":["404","499-400"] """, "invalidField", "acceptStatus[1]" },
        { """ "acceptStatus":["100"] """, "invalidField", "acceptStatus[0]" },
        { """ "acceptStatus":[404] """, "invalidField", "acceptStatus[0]" },
        { """ "acceptStatus":"404" """, "invalidField", "acceptStatus" },
        { """ "acceptStatus":[null] """, "invalidField", "acceptStatus[0]" },
        { """ "retry":{"first":"PT0S"} """, "invalidField", "retry.first" },
        { """ "retry":{"first":"soon"} """, "invalidField", "retry.first" },
        { """ "retry":{"first":"PT10S","longest":"PT5S"} """, "invalidField", "retry.longest" },
        { """ "retry":{"longest":"P2D"} """, "invalidField", "retry.longest" },
        { """ "retry":{"statuses":[200]} """, "invalidField", "retry.statuses[0]" },
        { """ "retry":{"statuses":["x"]} """, "invalidField", "retry.statuses[0]" },
        { """ "retry":{"times":3} """, "unknownField", "retry.times" },
        { """ "sourceChange":"ignore" """, "invalidField", "sourceChange" },
        { """ "sourceChange":"acceptIfDigest" """, "invalidField", "sourceChange" },
        { """ "maxBytes":0 """, "invalidField", "maxBytes" },
        { """ "group":"" """, "invalidIdentifier", "group" },
        { """ "group":".." """, "invalidIdentifier", "group" },
        { """ "completionGroup":"g h" """, "invalidIdentifier", "completionGroup" },
        { """ "askBeforeStart":true """, "invalidField", "askBeforeStart" },
        { """ "askBeforeStart":{"when":"never"} """, "invalidField", "askBeforeStart.when" },
        { """ "askBeforeStart":{"timeout":"PT0S"} """, "invalidField", "askBeforeStart.timeout" },
        { """ "askBeforeStart":{"default":"ask"} """, "invalidField", "askBeforeStart.default" },
        { """ "uploadProtocol":"tus" """, "invalidField", "uploadProtocol" },
        { """ "notify":{} """, "invalidField", "notify" },
        { """ "notify":"https://a/" """, "invalidField", "notify" },
        { """ "notify":{"secret":"hooks"} """, "invalidField", "notify" },
        { """ "notify":{"success":"ftp://a/"} """, "unsupportedScheme", "notify.success" },
        { """ "notify":{"failure":"https://u:p@a/"} """, "invalidUrl", "notify.failure" },
        { """ "notify":{"success":"https://a/","secret":"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"} """, "invalidField", "notify.secret" },
        { """ "notify":{"success":"https://a/","secret":"unheardOf"} """, "unknownSecret", "notify.secret" },
        { """ "notify":{"cancelled":"https://a/"} """, "unknownField", "notify.cancelled" },
        { """ "unconstrained":"yes" """, "invalidField", "unconstrained" },
        { """ "body":{"path":"a"} """, "invalidField", "body" },
        { """ "Method":"GET" """, "unknownField", "Method" },
        { """ "colour":"red" """, "unknownField", "colour" },
        { """ "kind":"upload" """, "invalidJson", "kind" },
    };

    [Theory]
    [MemberData(nameof(BadDownloads))]
    public void A_bad_download_is_refused_with_code_field_and_sentence(string fields, string code, string? field) =>
        AssertRefused($$"""{"kind":"download","url":"https://example.org/a",{{fields}}}""", code, field);

    [Theory]
    [InlineData("", "invalidUrl")]
    [InlineData("a.bin", "invalidUrl")]
    [InlineData("/a.bin", "invalidUrl")]
    [InlineData("//example.org/a", "invalidUrl")]
    [InlineData("http:example.org", "invalidUrl")]
    [InlineData("http:/example.org", "invalidUrl")]
    [InlineData("http://", "invalidUrl")]
    [InlineData("http:///a", "invalidUrl")]
    [InlineData("http://?q", "invalidUrl")]
    [InlineData("http://user@example.org/", "invalidUrl")]
    [InlineData("http://user:secret@example.org/", "invalidUrl")]
    [InlineData("http://@example.org/", "invalidUrl")]
    [InlineData("http://example.org:0/", "invalidUrl")]
    [InlineData("http://example.org:99999/", "invalidUrl")]
    [InlineData("http://exa mple.org/", "invalidUrl")]
    [InlineData(" http://example.org/", "invalidUrl")]
    [InlineData("http://example.org/a b", "invalidUrl")]
    [InlineData("http://example.org\\a", "invalidUrl")]
    [InlineData("http://example.org/a\nb", "invalidUrl")]
    [InlineData("http://[::1", "invalidUrl")]
    [InlineData("ftp://example.org/a", "unsupportedScheme")]
    [InlineData("file:///etc/passwd", "unsupportedScheme")]
    [InlineData("data:text/plain,a", "unsupportedScheme")]
    [InlineData("javascript:alert(1)", "unsupportedScheme")]
    [InlineData("ws://example.org/", "unsupportedScheme")]
    public void A_bad_url_is_refused(string url, string code)
    {
        var spec = TaskRules.Validate(new TaskRequest { Kind = "download", Url = url }, _ => true);
        Assert.False(spec.IsValid);
        Assert.Equal(code, spec.Problem.Code);
        Assert.Equal("url", spec.Problem.Field);
    }

    [Theory]
    [InlineData("http://example.org")]
    [InlineData("HTTPS://EXAMPLE.org:8443/a/../b?q=1&r=%20#top")]
    [InlineData("http://127.0.0.1:8000/a")]
    [InlineData("http://[2001:db8::1]/a")]
    [InlineData("https://bücher.example/über")]
    [InlineData("https://example.org/@user:x")]
    public void A_good_url_is_taken_as_it_was_written(string url)
    {
        var spec = TaskRules.Validate(new TaskRequest { Kind = "download", Url = url }, _ => true);
        Assert.True(spec.IsValid);
        Assert.Equal(url, spec.Value.Url);
    }

    [Theory]
    [InlineData("""{"kind":"upload","url":"https://example.org/"}""", "invalidField", "source")]
    [InlineData("""{"kind":"upload","url":"https://example.org/","source":{"path":"a"},"method":"GET"}""", "invalidField", "method")]
    [InlineData("""{"kind":"upload","url":"https://example.org/","source":{"path":"a"},"destination":{"path":"b"}}""", "invalidField", "destination")]
    [InlineData("""{"kind":"upload","url":"https://example.org/","source":{"path":"a"},"maxBytes":1}""", "invalidField", "maxBytes")]
    [InlineData("""{"kind":"upload","url":"https://example.org/","source":{"path":"a"},"sourceChange":"fail"}""", "invalidField", "sourceChange")]
    [InlineData("""{"kind":"upload","url":"https://example.org/","source":"other/a"}""", "unknownContainer", "source.container")]
    [InlineData("""{"kind":"download","url":"https://example.org/","source":{"path":"a"}}""", "invalidField", "source")]
    [InlineData("""{"kind":"download","url":"https://example.org/","parts":[{"name":"a","text":"b"}]}""", "invalidField", "parts")]
    [InlineData("""{"kind":"download","url":"https://example.org/","uploadProtocol":"plain"}""", "invalidField", "uploadProtocol")]
    [InlineData("""{"kind":"download","url":"https://example.org/","multipart":{}}""", "invalidField", "multipart")]
    [InlineData("""{"kind":"upload","url":"https://example.org/","source":"default/a","uploadProtocol":"ftp"}""", "invalidField", "uploadProtocol")]
    [InlineData("""{"kind":"upload","url":"https://example.org/","source":"default/a","uploadProtocol":"tus","method":"PUT"}""", "invalidField", "method")]
    [InlineData("""{"kind":"upload","url":"https://example.org/","source":"default/a","uploadProtocol":"s3","method":"POST"}""", "invalidField", "method")]
    [InlineData("""{"kind":"upload","url":"https://example.org/","source":"default/a","multipart":{"boundary":"b"}}""", "invalidField", "multipart")]
    [InlineData("""{"kind":"upload","url":"https://example.org/","source":"default/a","parts":[{"name":"a","text":"b"}]}""", "invalidField", "parts")]
    [InlineData("""{"kind":"upload","url":"https://example.org/","parts":[]}""", "invalidField", "parts")]
    [InlineData("""{"kind":"upload","url":"https://example.org/","parts":[{"name":"a"}]}""", "invalidField", "parts[0]")]
    [InlineData("""{"kind":"upload","url":"https://example.org/","parts":[{"name":"a","text":"b","source":"default/a"}]}""", "invalidField", "parts[0]")]
    [InlineData("""{"kind":"upload","url":"https://example.org/","parts":[{"text":"b"}]}""", "invalidField", "parts[0].name")]
    [InlineData("""{"kind":"upload","url":"https://example.org/","parts":[{"name":"a","text":"b"}],"multipart":{"subtype":"related"}}""", "invalidField", "parts[0].name")]
    [InlineData("""{"kind":"upload","url":"https://example.org/","parts":[{"name":"a","source":"other/a"}]}""", "unknownContainer", "parts[0].source.container")]
    [InlineData("""{"kind":"upload","url":"https://example.org/","parts":[{"name":"a","text":"b","headers":{"X":"a\nb"}}]}""", "invalidHeader", "parts[0].headers.X")]
    [InlineData("""{"kind":"upload","url":"https://example.org/","parts":[{"name":"a","text":"b","headers":{"content-disposition":"x"}}]}""", "forbiddenHeader", "parts[0].headers.Content-Disposition")]
    [InlineData("""{"kind":"upload","url":"https://example.org/","parts":[{"name":"a","text":"b"}],"headers":{"content-type":"a/b"}}""", "forbiddenHeader", "headers.Content-Type")]
    [InlineData("""{"kind":"upload","url":"https://example.org/","parts":[{"name":"a","text":"b"}],"uploadProtocol":"tus"}""", "invalidField", "uploadProtocol")]
    [InlineData("""{"kind":"upload","url":"https://example.org/","parts":[{"name":"a","text":"b"}],"multipart":{"subtype":"form data"}}""", "invalidField", "multipart.subtype")]
    [InlineData("""{"kind":"upload","url":"https://example.org/","parts":[{"name":"a","text":"b"}],"multipart":{"boundary":"a\r\nb"}}""", "invalidField", "multipart.boundary")]
    [InlineData("""{"kind":"upload","url":"https://example.org/","parts":[{"name":"a","text":"b"}],"multipart":{"boundary":"a "}}""", "invalidField", "multipart.boundary")]
    [InlineData("""{"kind":"move","url":"https://example.org/"}""", "invalidField", "kind")]
    [InlineData("""{"url":"https://example.org/"}""", "invalidField", "kind")]
    [InlineData("""{"kind":"download"}""", "invalidUrl", "url")]
    public void A_task_that_does_not_fit_its_kind_is_refused(string json, string code, string field) => AssertRefused(json, code, field);

    [Fact]
    public void Limits_of_size_are_refused_and_the_limits_themselves_are_taken()
    {
        var description = new string('d', 16 * 1024);
        Assert.True(Validate(new TaskRequest { Kind = "download", Url = "http://a/", Description = description }).IsValid);
        Assert.Equal("description", Validate(new TaskRequest { Kind = "download", Url = "http://a/", Description = description + "é" }).Problem?.Field);
        Assert.Equal("url", Validate(new TaskRequest { Kind = "download", Url = "http://a/" + new string('x', 8192) }).Problem?.Field);
        var many = Enumerable.Range(0, 65).ToDictionary(i => $"X-{i}", _ => "1");
        Assert.Equal("headers", Validate(new TaskRequest { Kind = "download", Url = "http://a/", Headers = many }).Problem?.Field);
        var large = new Dictionary<string, string> { ["X-A"] = new('v', 16 * 1024) };
        Assert.Equal("headers", Validate(new TaskRequest { Kind = "download", Url = "http://a/", Headers = large }).Problem?.Field);
    }

    [Fact]
    public void An_upload_of_parts_becomes_a_spec()
    {
        var spec = TaskArray.ReadOne("""
            {"kind":"upload","url":"https://example.org/a","uploadProtocol":"resumable","multipart":{"subtype":"form-data","boundary":"between them"},
             "parts":[{"name":"title","text":"A film"},{"name":"film","fileName":"ü.mp4","source":"default/film.mp4","headers":{"Content-Type":"video/mp4"}}]}
            """u8.ToArray(), new FakeContainers().Exists);
        Assert.True(spec.IsValid, spec.Problem?.Detail);
        Assert.Equal(UploadProtocol.Resumable, spec.Value.UploadProtocol);
        Assert.Equal("between them", spec.Value.Multipart!.Boundary);
        Assert.Equal(["title", "film"], spec.Value.Parts!.Select(part => part.Name!));
        var texts = Enumerable.Range(0, 3).Select(i => new ContentPart { Name = "n", Text = new string('t', 8 * 1024) }).ToList();
        Assert.Equal("parts", Validate(new TaskRequest { Kind = "upload", Url = "http://a/", Parts = texts }).Problem?.Field);
        Assert.True(Validate(new TaskRequest { Kind = "upload", Url = "http://a/", Parts = texts[..2] }).IsValid);
        var many = Enumerable.Range(0, 65).Select(i => new ContentPart { Name = "n", Text = "" }).ToList();
        Assert.Equal("parts", Validate(new TaskRequest { Kind = "upload", Url = "http://a/", Parts = many }).Problem?.Field);
    }

    [Fact]
    public void A_full_download_becomes_a_spec()
    {
        var spec = TaskArray.ReadOne(Encoding.UTF8.GetBytes($$"""
            {"id":"mine","kind":"download","url":"https://example.org/a","method":"post","headers":{"Accept":"*/*","Content-Type":"text/plain"},
             "destination":"results/x/y.bin","description":"d","start":false,"priority":1,"earliestBeginAt":"2030-01-01T01:00:00+01:00",
             "deadline":"2030-01-02T00:00:00Z","expectedBytes":{"receive":5},"digest":{"algorithm":"SHA-256","value":"{{Hash}}"},
             "acceptStatus":["404","500-599"],"retry":{"first":"PT2S","longest":"PT1M","statuses":[503]},"sourceChange":"acceptIfDigest","maxBytes":9}
            """), new FakeContainers().Exists);
        Assert.True(spec.IsValid, spec.Problem?.Detail);
        Assert.Equal(TaskId.Parse("mine"), spec.Value.Id);
        Assert.Equal(TaskKind.Download, spec.Value.Kind);
        Assert.Equal("POST", spec.Value.Method);
        Assert.Equal(2, spec.Value.Headers!.Count);
        Assert.Equal("results/x/y.bin", spec.Value.Destination!.ToString());
        Assert.False(spec.Value.Start);
        Assert.Equal(new DateTimeOffset(2030, 1, 1, 0, 0, 0, TimeSpan.Zero), spec.Value.EarliestBeginAt);
        Assert.Equal(Hash.ToLowerInvariant(), spec.Value.Sha256);
        Assert.Equal(SourceChangePolicy.AcceptIfDigest, spec.Value.SourceChange);
        Assert.Equal(9, spec.Value.MaxBytes);
    }

    [Fact]
    public void The_smallest_tasks_get_their_defaults()
    {
        var download = Validate(new TaskRequest { Kind = "download", Url = "http://a/" });
        Assert.Equal(("GET", 0.5, true), (download.Value!.Method, download.Value.Priority, download.Value.Start));
        var upload = Validate(new TaskRequest { Kind = "upload", Url = "http://a/", Source = FileReference.Parse("default/a") });
        Assert.Equal("POST", upload.Value!.Method);
    }

    [Fact]
    public void A_notification_names_a_secret_of_webhooks_or_none()
    {
        var named = new TaskRequest { Kind = "download", Url = "http://a/", Notify = new TaskNotify { Success = "https://a/?k=1", Failure = "http://b/", Secret = "hooks" } };
        SecretKind kind = SecretKind.Webhook;
        var spec = TaskRules.Validate(named, _ => true, findSecret: name => name == "hooks" ? kind : null);
        Assert.Equal(named.Notify, spec.Value!.Notify);
        Assert.True(Validate(named with { Notify = named.Notify with { Secret = null } }).IsValid);
        kind = SecretKind.Basic;
        Assert.Equal("notify.secret", TaskRules.Validate(named, _ => true, findSecret: _ => kind).Problem!.Field);
        Assert.Equal("notify.secret", TaskRules.Check(new TaskChange { Notify = named.Notify }, _ => kind)!.Field);
        Assert.Equal("notify.success", TaskRules.Check(new TaskChange { Notify = new TaskNotify { Success = "ftp://a/" } })!.Field);
        Assert.Equal("notify", TaskRules.Check(new TaskChange { Notify = new TaskNotify { Secret = "hooks" } })!.Field);
        Assert.Null(TaskRules.Check(new TaskChange { Notify = new TaskNotify() })); // lifts it
    }

    private static Validated<TaskSpec> Validate(TaskRequest request) => TaskRules.Validate(request, new FakeContainers().Exists);

    private static void AssertRefused(string json, string code, string? field)
    {
        var spec = TaskArray.ReadOne(Encoding.UTF8.GetBytes(json), new FakeContainers().Exists);
        Assert.False(spec.IsValid);
        Assert.Equal((400, code, field), (spec.Problem.Status, spec.Problem.Code, spec.Problem.Field));
        Assert.False(string.IsNullOrWhiteSpace(spec.Problem.Detail));
        Assert.DoesNotContain("System.", spec.Problem.Detail, StringComparison.Ordinal);
        Assert.DoesNotContain("Backhaul.", spec.Problem.Detail, StringComparison.Ordinal);
    }
}
