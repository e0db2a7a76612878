using Backhaul.FaultOrigin.Tls;
using Backhaul.Node.Egress;
using Backhaul.Node.Transfers;
using Backhaul.Protocol;
using Xunit;

namespace Backhaul.Node.Tests.Transfers.Access;

public sealed class TlsTests : IDisposable
{
    private readonly string _authority = Path.GetTempFileName();

    public TlsTests() => File.WriteAllText(_authority, OriginAuthority.Shared.Pem);

    public void Dispose() => File.Delete(_authority);

    [Fact]
    public async Task A_private_authority_is_believed_when_the_operator_says_so_and_only_then()
    {
        await using var trusting = await StartAsync();
        Assert.IsType<AttemptOutcome.Finished>(await trusting.RunAsync(Order(trusting, TlsFace.Good)));
        await using var other = await StartAsync(trusts: false);
        Assert.Contains("authority that this node does not trust", (await RefusedAsync(other, TlsFace.Good)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(TlsFace.Expired, "has expired or is not valid yet")]
    [InlineData(TlsFace.Foreign, "is for another host")]
    [InlineData(TlsFace.SelfSigned, "is self-signed")]
    public async Task A_certificate_that_is_not_believed_says_why_and_ends_the_task(TlsFace face, string expected)
    {
        await using var bench = await StartAsync();
        var failure = await RefusedAsync(bench, face);
        Assert.Contains(expected, failure.Message, StringComparison.Ordinal);
        Assert.Contains($"127.0.0.{(int)face}", failure.Message, StringComparison.Ordinal);
        Assert.False(failure.Retryable);
        Assert.Empty(bench.Origin.Requests);
    }

    [Theory]
    [InlineData(null, true)]
    [InlineData("1.2", true)]
    [InlineData("1.3", false)]
    public async Task Nothing_older_is_spoken_than_the_session_demands(string? minimum, bool works)
    {
        await using var bench = await StartAsync();
        var order = Order(bench, TlsFace.Tls12) with { Access = new AccessReferences { Tls = new TlsConfiguration { Minimum = minimum } } };
        var outcome = await bench.RunAsync(order);
        Assert.Equal(works, outcome is AttemptOutcome.Finished);
        if (!works)
            Assert.Equal(TransferCodes.TlsFailed, Assert.IsType<AttemptOutcome.Failed>(outcome).Failure.Code);
        var modern = Order(bench, TlsFace.Good) with { Access = order.Access };
        Assert.IsType<AttemptOutcome.Finished>(await bench.RunAsync(modern));
    }

    [Fact]
    public async Task A_client_certificate_is_shown_to_the_tasks_own_origin()
    {
        await using var bench = await AttemptBench.StartAsync(egress: Trusting, secrets: TestSecrets.OfClient("backhaul"), tls: true);
        Assert.IsType<AttemptOutcome.Finished>(await bench.RunAsync(WithCertificate(Order(bench, TlsFace.Demanding))));
        Assert.IsType<AttemptOutcome.Failed>(await bench.RunAsync(Order(bench, TlsFace.Demanding)));
    }

    [Fact]
    public async Task A_redirect_does_not_show_the_certificate_elsewhere()
    {
        await using var bench = await AttemptBench.StartAsync(egress: Trusting, secrets: TestSecrets.OfClient("backhaul"), tls: true);
        var demanding = bench.Origin.SecureBytes("a", 10, face: TlsFace.Demanding);
        var redirecting = Order(bench, TlsFace.Good) with { Url = bench.Origin.SecureBytes("a", 10, $"redirect={Uri.EscapeDataString(demanding)}") };
        Assert.IsType<AttemptOutcome.Failed>(await bench.RunAsync(WithCertificate(redirecting)));
    }

    [Fact]
    public async Task A_url_that_a_list_of_another_origin_named_is_not_shown_the_certificate()
    {
        await using var bench = await AttemptBench.StartAsync(egress: Trusting, secrets: TestSecrets.OfClient("backhaul"), tls: true);
        Assert.IsType<AttemptOutcome.Failed>(await bench.RunAsync(WithCertificate(Order(bench, TlsFace.Demanding)) with { NamedBy = "https://list.example" }));
    }

    [Fact]
    public async Task A_certificate_that_the_node_does_not_have_is_said_by_name()
    {
        await using var bench = await StartAsync();
        var failed = Assert.IsType<AttemptOutcome.Failed>(await bench.RunAsync(WithCertificate(Order(bench, TlsFace.Good))));
        Assert.Equal(TransferCodes.SecretMissing, failed.Failure.Code);
        Assert.Empty(bench.Origin.Requests);
    }

    private EgressOptions Trusting => new() { Allow = ["127.0.0.0/8"], TrustedCertificates = _authority };

    private Task<AttemptBench> StartAsync(bool trusts = true) =>
        AttemptBench.StartAsync(egress: trusts ? Trusting : Trusting with { TrustedCertificates = null }, tls: true);

    private static AttemptOrder Order(AttemptBench bench, TlsFace face) => bench.Download(bench.Origin.SecureBytes("a", 10, face: face));

    private static AttemptOrder WithCertificate(AttemptOrder order) =>
        order with { Access = new AccessReferences { Tls = new TlsConfiguration { ClientCertificate = "me" } } };

    private static async Task<AttemptFailure> RefusedAsync(AttemptBench bench, TlsFace face)
    {
        var failed = Assert.IsType<AttemptOutcome.Failed>(await bench.RunAsync(Order(bench, face)));
        Assert.Equal(TransferCodes.TlsFailed, failed.Failure.Code);
        return failed.Failure;
    }
}
