using System.Text.Json;
using Backhaul.Node.Sessions;
using Xunit;

namespace Backhaul.Node.Tests.Api;

public sealed class PrefetchEndpointsTests(EdgeFixture edge) : IClassFixture<EdgeFixture>
{
    private const string Prefetch = "/v1/sessions/a/prefetch";

    private readonly EdgeHost _host = edge.Fresh;

    [Fact]
    public async Task Each_call_is_one_command_and_what_is_left_out_has_its_default()
    {
        await _host.SendAsync("PUT", Prefetch, """{"urls":["https://a.example/1"],"listUrl":"https://a.example/list","every":"PT15M","container":"default","prefix":"c/d"}""");
        await _host.SendAsync("PUT", Prefetch, """{"listUrl":"https://a.example/list"}""");
        await _host.SendAsync("GET", Prefetch);
        await _host.SendAsync("DELETE", Prefetch);
        var commands = _host.Router.Calls.Select(call => call.Command).ToList();
        Assert.IsType<SessionCommand.GetPrefetch>(commands[2]);
        Assert.IsType<SessionCommand.RemovePrefetch>(commands[3]);
        var list = PrefetchUrl.Of("https://a.example/list");
        var full = new PrefetchSettings { Urls = [PrefetchUrl.Of("https://a.example/1")], List = list, Every = TimeSpan.FromMinutes(15), Container = "default", Prefix = "c/d" };
        Assert.True(Assert.IsType<SessionCommand.SetPrefetch>(commands[0]).Settings.IsSameAs(full));
        Assert.True(Assert.IsType<SessionCommand.SetPrefetch>(commands[1]).Settings.IsSameAs(new PrefetchSettings { Urls = [], List = list, Every = TimeSpan.FromDays(1) }));
    }

    [Fact]
    public async Task Queries_are_sealed_and_files_are_named_by_the_URL_in_clear()
    {
        await _host.SendAsync("PUT", Prefetch, """{"urls":["https://a.example/1?signature=secret"],"listUrl":"https://a.example/list?token=secret"}""");
        var settings = Assert.IsType<SessionCommand.SetPrefetch>(Assert.Single(_host.Router.Calls).Command).Settings;
        foreach (var (url, clear) in new[] { (settings.Urls[0], "https://a.example/1?signature=secret"), (settings.List!, "https://a.example/list?token=secret") })
        {
            Assert.DoesNotContain("secret", url.Url, StringComparison.Ordinal);
            Assert.Equal(PrefetchUrl.Of(clear).Name, url.Name);
        }
    }

    [Theory]
    [InlineData("{}", "invalidField", "urls")]
    [InlineData("""{"urls":[]}""", "invalidField", "urls")]
    [InlineData("""{"urls":["ftp://a.example/"]}""", "unsupportedScheme", "urls[0]")]
    [InlineData("""{"urls":["https://u:p@a.example/"]}""", "invalidUrl", "urls[0]")]
    [InlineData("""{"urls":["https://a.example/","https://a.example/"]}""", "invalidField", "urls[1]")]
    [InlineData("""{"urls":["https://a.example/"],"listUrl":"https://a.example/"}""", "invalidField", "urls[0]")]
    [InlineData("""{"listUrl":"/list"}""", "invalidUrl", "listUrl")]
    [InlineData("""{"urls":["https://a.example/"],"every":"PT14M"}""", "invalidField", "every")]
    [InlineData("""{"urls":["https://a.example/"],"every":"P31D"}""", "invalidField", "every")]
    [InlineData("""{"urls":["https://a.example/"],"container":"other"}""", "unknownContainer", "container")]
    [InlineData("""{"urls":["https://a.example/"],"container":"Not A Name"}""", "unknownContainer", "container")]
    [InlineData("""{"urls":["https://a.example/"],"prefix":"../up"}""", "invalidPath", "prefix")]
    [InlineData("""{"urls":["https://a.example/"],"prefix":"a/"}""", "invalidPath", "prefix")]
    [InlineData("""{"urls":["https://a.example/"],"url":"https://b.example/"}""", "unknownField", "url")]
    public async Task A_bad_list_is_a_problem_with_its_field(string body, string code, string field)
    {
        var answer = await _host.SendAsync("PUT", Prefetch, body);
        Assert.Equal((400, code, field), (answer.Status, answer.Code, answer.Json.GetProperty("field").GetString()));
        Assert.Empty(_host.Router.Calls);
    }

    [Fact]
    public async Task More_URLs_than_may_be_named_directly_are_a_matter_of_a_list()
    {
        Assert.Equal(400, (await _host.SendAsync("PUT", Prefetch, Urls(101, 1))).Status);
        Assert.Equal(400, (await _host.SendAsync("PUT", Prefetch, Urls(100, 1400))).Status);
        Assert.Empty(_host.Router.Calls);
        await _host.SendAsync("PUT", Prefetch, Urls(100, 1000));
        Assert.Single(_host.Router.Calls);
    }

    [Theory]
    [InlineData(".")]
    [InlineData("..")]
    public async Task A_session_whose_identifier_makes_no_folder_needs_a_prefix(string identifier)
    {
        var path = $"/v1/sessions/{identifier.Replace(".", "%2E", StringComparison.Ordinal)}/prefetch";
        var answer = await _host.SendAsync("PUT", path, """{"urls":["https://a.example/"]}""");
        Assert.True(answer.Status >= 400, answer.Status.ToString(System.Globalization.CultureInfo.InvariantCulture));
        Assert.Empty(_host.Router.Calls);
    }

    private static string Urls(int count, int length) =>
        JsonSerializer.Serialize(new { urls = Enumerable.Range(0, count).Select(n => $"https://a.example/{n:0000}/{new string('x', length)}") });
}
