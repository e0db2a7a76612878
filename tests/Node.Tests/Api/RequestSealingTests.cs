using Backhaul.Node.Api;
using Backhaul.Node.Security;
using Backhaul.Node.Sessions;
using Backhaul.Protocol;
using Xunit;

namespace Backhaul.Node.Tests.Api;

/// <summary>What leaves the edge is opened by its look, so nothing leaves it that only looks sealed.</summary>
public sealed class RequestSealingTests
{
    private static readonly TenantId Acme = TenantId.Parse("acme");

    private readonly RequestBox _box = new(new SecretBox([[.. Enumerable.Repeat((byte)1, SecretBox.KeyBytes)]]));

    [Theory]
    [InlineData("Content-Digest", "sealed1:x:y")]
    [InlineData("user-agent", "sealed1:")]
    [InlineData("Accept", "sealed1:00000000:AAAA")]
    public void A_harmless_header_whose_value_looks_sealed_is_sealed_wherever_it_comes_from(string name, string value)
    {
        var headers = new Dictionary<string, string> { [name] = value, ["Accept-Language"] = "en" };
        foreach (var left in Commands(headers).Select(command => HeadersOf(new RequestSealing(_box).Seal(command, Acme))))
        {
            Assert.NotEqual(value, left[name]);
            Assert.Equal(value, _box.Open(Acme, left[name]));
            Assert.Equal("en", left["Accept-Language"]);
            Assert.Equal(SecretHeaders.Masked, SecretHeaders.Mask(left)[name]);
            Assert.Equal("en", SecretHeaders.Mask(left)["Accept-Language"]);
        }
    }

    [Fact]
    public void A_seal_taken_out_of_resume_data_is_sent_as_the_seal_and_not_opened()
    {
        var url = _box.SealUrl(Acme, "https://example.org/a?token=s");
        var taken = url[(url.IndexOf('?', StringComparison.Ordinal) + 1)..];
        foreach (var command in Commands(new Dictionary<string, string> { ["Content-Digest"] = taken, ["X-Secret"] = taken }))
        {
            var left = HeadersOf(new RequestSealing(_box).Seal(command, Acme));
            Assert.All(left.Values, value => Assert.Equal(taken, _box.Open(Acme, value)));
        }
    }

    [Fact]
    public void Harmless_values_are_left_as_they_are()
    {
        var headers = new Dictionary<string, string> { ["Accept"] = "text/html", ["Content-Digest"] = "sha-256=:AAAA:" };
        Assert.All(Commands(headers), command => Assert.Same(headers, HeadersOf(new RequestSealing(_box).Seal(command, Acme))));
    }

    [Fact]
    public void What_it_tells_leaves_the_edge_sealed_as_at_its_creation()
    {
        var notify = new TaskNotify { Success = "https://hooks.example/done?key=canary", Failure = "https://hooks.example/failed?key=canary", Secret = "hooks" };
        var sealing = new RequestSealing(_box);
        var created = (SessionCommand.AddTask)sealing.Seal(
            new SessionCommand.AddTask(new TaskSpec { Kind = TaskKind.Download, Url = "https://example.org/a", Method = "GET", Notify = notify }), Acme);
        var changed = (SessionCommand.ChangeTask)sealing.Seal(new SessionCommand.ChangeTask(TaskId.Parse("t"), new TaskChange { Notify = notify }), Acme);
        Assert.Equal(created.Spec.Notify, changed.Change.Notify);
        Assert.DoesNotContain("canary", changed.Change.Notify!.ToString(), StringComparison.Ordinal);
    }

    private static IEnumerable<SessionCommand> Commands(Dictionary<string, string> headers)
    {
        var spec = new TaskSpec { Kind = TaskKind.Download, Url = "https://example.org/a", Method = "GET" };
        yield return new SessionCommand.AddTask(spec with { Headers = headers });
        yield return new SessionCommand.AddTask(spec with { Parts = [new ContentPart { Headers = headers }] });
        yield return new SessionCommand.AddTasks([new BatchEntry(0, spec with { Headers = headers }, null)]);
        yield return new SessionCommand.ChangeTask(TaskId.Parse("t"), new TaskChange { Headers = headers });
        yield return new SessionCommand.AnswerDelayedRequest(TaskId.Parse("t"), false, null, headers, null);
        yield return new SessionCommand.Open(new SessionConfiguration { AdditionalHeaders = headers });
    }

    private static IReadOnlyDictionary<string, string> HeadersOf(SessionCommand command) => command switch
    {
        SessionCommand.AddTask { Spec: var spec } => spec.Headers ?? spec.Parts![0].Headers!,
        SessionCommand.AddTasks add => add.Entries[0].Spec!.Headers!,
        SessionCommand.ChangeTask change => change.Change.Headers!,
        SessionCommand.AnswerDelayedRequest answer => answer.Headers!,
        SessionCommand.Open open => open.Configuration!.AdditionalHeaders!,
        _ => throw new ArgumentOutOfRangeException(nameof(command)),
    };
}
