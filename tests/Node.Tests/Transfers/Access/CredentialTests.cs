using Backhaul.Node.Security;
using Backhaul.Node.Sessions;
using Backhaul.Node.Transfers;
using Backhaul.Protocol;
using Xunit;

namespace Backhaul.Node.Tests.Transfers.Access;

public sealed class CredentialTests
{
    [Theory]
    [InlineData("basic", "right", "Basic")]
    [InlineData("digest", "right", "Digest")]
    [InlineData("bearer", "token", "Bearer")]
    public async Task A_server_that_asks_is_answered_and_the_next_request_carries_it_from_the_start(string path, string secret, string scheme)
    {
        await using var origin = await AskingOrigin.StartAsync();
        await using var bench = await StartAsync();
        Assert.IsType<AttemptOutcome.Finished>(await bench.RunAsync(Order(bench, $"{origin.Url}/{path}", secret)));
        Assert.Collection(origin.Authorizations, first => Assert.Equal("", first), second => Assert.StartsWith(scheme, second, StringComparison.Ordinal));
        Assert.IsType<AttemptOutcome.Finished>(await bench.RunAsync(Order(bench, $"{origin.Url}/{path}", secret)));
        Assert.Equal(3, origin.Requests.Count);
        Assert.StartsWith(scheme, origin.Authorizations[2], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("MD5")]
    [InlineData("MD5-sess")]
    [InlineData("SHA-256")]
    [InlineData("SHA-256-sess")]
    public async Task Digest_counts_under_one_nonce_also_for_attempts_side_by_side(string algorithm)
    {
        await using var origin = await AskingOrigin.StartAsync();
        origin.Algorithm = algorithm;
        await using var bench = await StartAsync();
        Assert.IsType<AttemptOutcome.Finished>(await bench.RunAsync(Order(bench, $"{origin.Url}/digest?a=b%20c", "right")));
        for (var i = 0; i < 3; i++)
            Assert.IsType<AttemptOutcome.Finished>(await bench.RunAsync(Order(bench, $"{origin.Url}/digest", "right")));
        Assert.Equal(5, origin.Requests.Count);
        Assert.Equal(4, origin.Authorizations.Where(a => a.Length > 0).Select(a => a[a.IndexOf("nc=", StringComparison.Ordinal)..].Split(',')[0]).Distinct().Count());
    }

    [Fact]
    public async Task A_stale_nonce_is_followed_by_an_answer_under_the_new_one()
    {
        await using var origin = await AskingOrigin.StartAsync();
        origin.NonceUses = 1;
        await using var bench = await StartAsync();
        for (var i = 0; i < 3; i++)
            Assert.IsType<AttemptOutcome.Finished>(await bench.RunAsync(Order(bench, $"{origin.Url}/digest", "right")));
        Assert.Equal(6, origin.Requests.Count);
    }

    [Fact]
    public async Task A_server_that_finds_every_nonce_stale_is_left_after_a_few_answers()
    {
        await using var origin = await AskingOrigin.StartAsync();
        origin.AlwaysStale = true;
        await using var bench = await StartAsync();
        var failed = Assert.IsType<AttemptOutcome.Failed>(await bench.RunAsync(Order(bench, $"{origin.Url}/digest", "right")));
        Assert.True(failed.Failure.Challenge!.WasRefused);
        Assert.InRange(origin.Requests.Count, 2, 5);
    }

    [Theory]
    [InlineData("basic", "basic")]
    [InlineData("digest", "digest")]
    [InlineData("both", "digest")]
    public async Task A_wrong_credential_is_sent_once_and_never_again_in_a_weaker_form(string path, string scheme)
    {
        await using var origin = await AskingOrigin.StartAsync();
        await using var bench = await StartAsync();
        var failed = Assert.IsType<AttemptOutcome.Failed>(await bench.RunAsync(Order(bench, $"{origin.Url}/{path}", "wrong")));
        Assert.Equal(2, origin.Requests.Count);
        Assert.Equal(TransferCodes.Credential, failed.Failure.Code);
        Assert.Equal(
            new AttemptChallenge { Scheme = scheme, Realm = AskingOrigin.Realm, Host = "127.0.0.1", Port = origin.Port, WasRefused = true },
            failed.Failure.Challenge);
        Assert.Equal(401, failed.Failure.Status);
        Assert.DoesNotContain("wrong", failed.Failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_refused_credential_is_followed_by_the_next_that_fits()
    {
        await using var origin = await AskingOrigin.StartAsync();
        await using var bench = await StartAsync();
        Assert.IsType<AttemptOutcome.Finished>(await bench.RunAsync(Order(bench, $"{origin.Url}/both", "wrong", "token", "right")));
        Assert.Equal(3, origin.Requests.Count);
        Assert.All(origin.Authorizations.Skip(1), sent => Assert.StartsWith("Digest", sent, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Without_a_credential_nothing_is_sent_and_the_challenge_says_so()
    {
        await using var origin = await AskingOrigin.StartAsync();
        await using var bench = await StartAsync();
        var failed = Assert.IsType<AttemptOutcome.Failed>(await bench.RunAsync(Order(bench, $"{origin.Url}/both")));
        Assert.Equal([""], origin.Authorizations);
        Assert.Equal(new AttemptChallenge { Scheme = "digest", Realm = AskingOrigin.Realm, Host = "127.0.0.1", Port = origin.Port }, failed.Failure.Challenge);
    }

    [Fact]
    public async Task A_redirect_takes_no_credential_to_an_origin_that_no_rule_names()
    {
        await using var origin = await AskingOrigin.StartAsync();
        await using var bench = await StartAsync();
        var url = $"{origin.Url}/to?{Uri.EscapeDataString($"{origin.OtherUrl}/basic")}";
        // This server has accepted it under its own name, so that it would be sent from the start.
        Assert.IsType<AttemptOutcome.Finished>(await bench.RunAsync(Order(bench, $"{origin.Url}/basic", "right")));
        origin.Requests.Clear();
        var failed = Assert.IsType<AttemptOutcome.Failed>(await bench.RunAsync(Order(bench, url, "right")));
        Assert.Equal("localhost", failed.Failure.Challenge!.Host);
        Assert.Equal("", origin.Authorizations[^1]);
    }

    /// <summary>Whoever serves a list may put any URL into it, and would collect what the session means for others.</summary>
    [Fact]
    public async Task A_url_that_a_list_of_another_origin_named_gets_neither_credentials_nor_headers_of_the_session()
    {
        await using var origin = await AskingOrigin.StartAsync();
        await using var bench = await StartAsync();
        // This server has accepted it as the task's own, so that it would be sent from the start.
        var own = Order(bench, $"{origin.Url}/basic", "right");
        Assert.IsType<AttemptOutcome.Finished>(await bench.RunAsync(own));
        origin.Requests.Clear();
        var failed = Assert.IsType<AttemptOutcome.Failed>(await bench.RunAsync(own with { NamedBy = "https://list.example" }));
        Assert.Equal("127.0.0.1", failed.Failure.Challenge!.Host);
        Assert.Equal([""], origin.Authorizations);

        var headers = bench.Download(bench.Origin.Bytes("a", 10)) with { Headers = new Dictionary<string, string> { ["X-Api-Key"] = "key", ["Accept"] = "text/plain" } };
        Assert.IsType<AttemptOutcome.Finished>(await bench.RunAsync(headers));
        Assert.Equal("key", bench.Origin.Requests[^1].Headers["X-Api-Key"]);
        Assert.IsType<AttemptOutcome.Finished>(await bench.RunAsync(headers with { NamedBy = "https://list.example" }));
        var sent = bench.Origin.Requests[^1].Headers;
        Assert.Equal((false, "text/plain"), (sent.ContainsKey("X-Api-Key"), sent["Accept"]));
    }

    /// <summary>The place of an upload is the server's word, as a redirect is: what was meant for the task's origin is not meant for it.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_place_of_an_upload_gets_no_credential_that_is_not_meant_for_it(bool isRemembered)
    {
        await using var origin = await AskingOrigin.StartAsync();
        await using var bench = await StartAsync();
        if (isRemembered)
            Assert.IsType<AttemptOutcome.Finished>(await bench.RunAsync(Order(bench, $"{origin.OtherUrl}/basic", "right")));
        origin.Requests.Clear();
        var order = Upload(bench, origin, new byte[1000], "right") with
        {
            Url = $"{origin.Url}/made?{Uri.EscapeDataString($"{origin.OtherUrl}/basic")}",
            UploadProtocol = UploadProtocol.Resumable,
        };
        var failed = Assert.IsType<AttemptOutcome.Failed>(await bench.RunAsync(order));
        Assert.Equal("localhost", failed.Failure.Challenge?.Host);
        Assert.Equal(["/made", "/basic"], origin.Requests.Select(request => request.Path));
        Assert.All(origin.Authorizations, sent => Assert.Equal("", sent));
    }

    [Fact]
    public async Task A_redirect_to_an_origin_that_a_rule_names_is_answered_there()
    {
        await using var origin = await AskingOrigin.StartAsync();
        await using var bench = await StartAsync();
        var order = Order(bench, $"{origin.Url}/to?{Uri.EscapeDataString($"{origin.OtherUrl}/basic")}") with
        {
            Access = new AccessReferences { Credentials = [new CredentialRule { Host = $"localhost:{origin.Port}", Secret = "right" }] },
        };
        Assert.IsType<AttemptOutcome.Finished>(await bench.RunAsync(order));
        Assert.Equal(["/to", "/basic", "/basic"], origin.Requests.Select(request => request.Path));
    }

    [Fact]
    public async Task What_the_task_carries_itself_goes_first()
    {
        await using var origin = await AskingOrigin.StartAsync();
        await using var bench = await StartAsync();
        var order = Order(bench, $"{origin.Url}/basic", "right") with
        {
            Headers = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase) { ["Authorization"] = "Bearer own" },
        };
        Assert.IsType<AttemptOutcome.Finished>(await bench.RunAsync(order));
        Assert.Equal("Bearer own", origin.Authorizations[0]);
        Assert.StartsWith("Basic", origin.Authorizations[1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_status_that_the_client_decided_about_is_no_challenge()
    {
        await using var origin = await AskingOrigin.StartAsync();
        await using var bench = await StartAsync();
        var accepted = await bench.RunAsync(Order(bench, $"{origin.Url}/basic") with { AcceptStatus = ["401"] });
        Assert.Equal(401, Assert.IsType<AttemptOutcome.Finished>(accepted).Response.Status);
        var retried = await bench.RunAsync(Order(bench, $"{origin.Url}/basic") with { RetryStatuses = [401] });
        Assert.Equal(TransferCodes.HttpStatus, Assert.IsType<AttemptOutcome.Failed>(retried).Failure.Code);
    }

    [Theory]
    [InlineData("gone")]
    [InlineData("others")]
    public async Task A_secret_that_is_not_there_or_is_another_tenants_is_said_by_name(string secret)
    {
        await using var origin = await AskingOrigin.StartAsync();
        await using var bench = await StartAsync();
        var failed = Assert.IsType<AttemptOutcome.Failed>(await bench.RunAsync(Order(bench, $"{origin.Url}/bearer", secret)));
        Assert.Equal((TransferCodes.SecretMissing, true), (failed.Failure.Code, failed.Failure.Retryable));
        Assert.Contains(secret, failed.Failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_large_body_leaves_once_because_the_server_is_asked_before()
    {
        await using var origin = await AskingOrigin.StartAsync();
        await using var bench = await StartAsync();
        var body = new byte[4 * 1024 * 1024];
        Assert.IsType<AttemptOutcome.Finished>(await bench.RunAsync(Upload(bench, origin, body, "right")));
        Assert.Equal(2, origin.Requests.Count);
        Assert.Equal(body.Length, origin.Requests.Sum(request => request.BodyBytes));
    }

    [Theory]
    [InlineData(1000)]
    [InlineData(4 * 1024 * 1024)]
    public async Task A_refused_post_is_an_outcome_and_not_ambiguous(int bytes)
    {
        await using var origin = await AskingOrigin.StartAsync();
        await using var bench = await StartAsync();
        var failed = Assert.IsType<AttemptOutcome.Failed>(await bench.RunAsync(Upload(bench, origin, new byte[bytes], "wrong")));
        Assert.Equal((TransferCodes.Credential, true), (failed.Failure.Code, failed.Failure.DiscardPart));
        Assert.Equal(2, origin.Requests.Count);
    }

    [Theory]
    [InlineData("basic")]
    [InlineData("digest")]
    [InlineData("bearer")]
    public async Task A_credential_that_a_client_gave_is_opened_for_its_session_only(string path)
    {
        await using var origin = await AskingOrigin.StartAsync();
        var box = new SecretBox([new byte[SecretBox.KeyBytes]]);
        await using var bench = await AttemptBench.StartAsync(box: box);
        var credential = path == "bearer" ? new GivenCredential { Token = AskingOrigin.Token } : new GivenCredential { UserName = AskingOrigin.User, Password = AskingOrigin.Password };
        var mine = GivenSecrets.Seal(box, bench.Files.Session, credential);
        Assert.IsType<AttemptOutcome.Finished>(await bench.RunAsync(Order(bench, $"{origin.Url}/{path}", mine)));
        var others = GivenSecrets.Seal(box, SessionKey.Parse("default/others"), credential);
        var failed = Assert.IsType<AttemptOutcome.Failed>(await bench.RunAsync(Order(bench, $"{origin.Url}/{path}", others)));
        Assert.Equal(TransferCodes.SecretMissing, failed.Failure.Code);
        Assert.DoesNotContain("sealed1", failed.Failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_challenge_that_was_rejected_gives_way_to_the_next_one_until_none_is_left()
    {
        await using var origin = await AskingOrigin.StartAsync();
        await using var bench = await StartAsync();
        var order = Order(bench, $"{origin.Url}/both");
        var digest = Assert.IsType<AttemptOutcome.Failed>(await bench.RunAsync(order)).Failure.Challenge!;
        Assert.Equal("digest", digest.Scheme);
        order = order with { Access = new AccessReferences { Rejected = [digest] } };
        var basic = Assert.IsType<AttemptOutcome.Failed>(await bench.RunAsync(order)).Failure.Challenge!;
        Assert.Equal("basic", basic.Scheme);
        order = order with { Access = new AccessReferences { Rejected = [digest, basic], Credentials = [new CredentialRule { Secret = "right" }] } };
        var none = Assert.IsType<AttemptOutcome.Failed>(await bench.RunAsync(order)).Failure.Challenge!;
        Assert.Equal(digest, none);
        Assert.All(origin.Authorizations, authorization => Assert.Equal("", authorization));
    }

    internal static Task<AttemptBench> StartAsync() => AttemptBench.StartAsync(secrets: TestSecrets.OfOrigin);

    private static AttemptOrder Order(AttemptBench bench, string url, params string[] secrets) => bench.Download(url) with
    {
        Access = new AccessReferences { Credentials = [.. secrets.Select(secret => new CredentialRule { Secret = secret })] },
    };

    private static AttemptOrder Upload(AttemptBench bench, AskingOrigin origin, byte[] body, string secret) => bench.Upload("POST", "", body) with
    {
        Url = $"{origin.Url}/basic",
        Access = new AccessReferences { Credentials = [new CredentialRule { Secret = secret }] },
    };
}
