using Backhaul.Node.Hosting;
using Microsoft.Extensions.Configuration;
using Xunit;

namespace Backhaul.Node.Tests.Hosting;

public sealed class NodeSettingsTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("backhaul-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void Nothing_configured_is_one_node_on_loopback_without_keys()
    {
        var configuration = Configuration();
        var settings = NodeSettings.Read(configuration);
        Assert.Equal("http://127.0.0.1:5080", configuration["urls"]);
        Assert.Equal(_directory, settings.DataDirectory);
        Assert.Empty(settings.Security.Keys);
        Assert.Equal(256, settings.Sharding.ShardCount);
        Assert.Equal(TimeSpan.FromSeconds(60), settings.Drain.Shutdown);
    }

    [Fact]
    public void Options_are_read_from_the_sections_of_their_folders()
    {
        var settings = NodeSettings.Read(Configuration(
            ("Backhaul:Egress:Allow:0", "127.0.0.1:8000"), ("Backhaul:Transfers:FlushOnComplete", "false"), ("Backhaul:Cluster:ShardCount", "16"),
            ("Backhaul:Transfers:TenantWeights:acme", "2.5"), ("Backhaul:Transfers:Discretionary:Windows:0:From", "22:00"), ("Backhaul:Transfers:Discretionary:LoadMax", "0.25"),
            ("Backhaul:Sessions:Unconstrained:Tenants:0", "acme"), ("Backhaul:Sessions:Unconstrained:RunningMax", "2"), ("Backhaul:Api:Deadline", "00:00:05"), ("Backhaul:Journal:Sqlite:CacheKiB", "4096"), ("Backhaul:Journal:BatchRowsMax", "100"),
            ("Backhaul:Security:Keys:0:Sha256", new string('a', 64)), ("Backhaul:Security:Keys:0:Tenant", "acme"), ("urls", "http://0.0.0.0:80")));
        Assert.Equal(["127.0.0.1:8000"], settings.Egress.Allow);
        Assert.False(settings.Transfers.FlushOnComplete);
        Assert.Equal((2.5, 0.25, "22:00"), (settings.Transfers.TenantWeights["acme"], settings.Transfers.Discretionary.LoadMax, settings.Transfers.Discretionary.Windows[0].From));
        Assert.Equal(("acme", 2), (Assert.Single(settings.Sessions.Unconstrained.Tenants), settings.Sessions.Unconstrained.RunningMax));
        Assert.Equal(16, settings.Sharding.ShardCount);
        Assert.Equal(TimeSpan.FromSeconds(5), settings.Api.Deadline);
        Assert.Equal((4096, 100), (settings.Sqlite.CacheKiB, settings.Journal.BatchRowsMax));
        Assert.Equal("acme", Assert.Single(settings.Security.Keys).Tenant);
    }

    [Theory]
    [InlineData("urls", "http://0.0.0.0:5080", "has no keys")]
    [InlineData("urls", "http://127.0.0.1:1;http://10.0.0.1:1", "http://10.0.0.1:1")]
    [InlineData("urls", "nonsense", "is not an address to listen on")]
    [InlineData("Kestrel:Endpoints:Http:Url", "http://0.0.0.0:1", "Kestrel:Endpoints is not used here")]
    [InlineData("Backhaul:Store:Provider", "postgres", "Backhaul:Store:ConnectionString must say")]
    [InlineData("Backhaul:Store:Provider", "postgres", "set Backhaul:Node:Url")]
    [InlineData("Backhaul:Store:Provider", "postgres", "Backhaul:Containers:default:Shared=true")]
    [InlineData("Backhaul:Cluster:Name", " ", "Backhaul:Cluster:Name")]
    [InlineData("Backhaul:Sharding:Settle", "-00:00:01", "Settle")]
    [InlineData("Backhaul:Store:Provider", "oracle", "must be sqlite")]
    [InlineData("Backhaul:Cluster:ShardCount", "0", "Backhaul:Cluster:ShardCount")]
    [InlineData("Backhaul:Cluster:ShardCount", "many", "'many' at 'Backhaul:Cluster:ShardCount'")]
    [InlineData("Backhaul:Drain:Shutdown", "00:00:30", "must be shorter than Shutdown")]
    [InlineData("Backhaul:Sharding:ChildStop", "00:00:14", "ChildStop")]
    [InlineData("Backhaul:Transfers:FlushOnComplte", "false", "has no option 'FlushOnComplte'")]
    [InlineData("Backhaul:DataDirectry", "/data", "Backhaul has no option 'DataDirectry'")]
    [InlineData("Backhaul:Egres:Allow:0", "127.0.0.1", "Backhaul has no option 'Egres'")]
    [InlineData("Backhaul:Store:ConectionString", "Host=db", "Backhaul:Store has no option 'ConectionString'")]
    [InlineData("Backhaul:Cluster:Lease", "15000", "Backhaul:Cluster has no option 'Lease'")]
    [InlineData("Backhaul:Journal:Sqlit:CacheKiB", "4096", "Backhaul:Journal has no option 'Sqlit'")]
    [InlineData("Backhaul:Security:Keys:0:Role", "boss", "boss")]
    [InlineData("Backhaul:Security:Keys:0:Sha256", "secret", "64 hexadecimal digits")]
    [InlineData("Backhaul:Containers:Upper:Path", "/tmp", "Backhaul:Containers")]
    [InlineData("Backhaul:Egress:Allow:0", "not a rule!", "Backhaul:Egress:Allow:0")]
    [InlineData("Backhaul:Api:Deadline", "00:00:00", "Backhaul:Api:Deadline")]
    [InlineData("Backhaul:Sessions:SnapshotEvery", "0", "Backhaul:Sessions:SnapshotEvery")]
    [InlineData("Backhaul:DataDirectory", " ", "Backhaul:DataDirectory is empty")]
    public void A_fault_of_the_configuration_is_a_sentence_and_exit_code_78(string key, string value, string part)
    {
        var refused = Assert.Throws<NodeStartException>(() => NodeSettings.Read(Configuration((key, value))));
        Assert.Equal(78, refused.ExitCode);
        Assert.Contains(part, refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("Backhaul.Node", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void All_faults_are_told_at_once()
    {
        var refused = Assert.Throws<NodeStartException>(() => NodeSettings.Read(Configuration(
            ("urls", "x"), ("Backhaul:Api:Deadline", "00:00:00"), ("Backhaul:Store:Provider", "oracle"))));
        Assert.Equal(3, refused.Message.Split(Environment.NewLine).Length);
    }

    [Fact]
    public void A_data_directory_that_cannot_be_made_is_exit_code_73()
    {
        var file = Path.Combine(_directory, "file");
        File.WriteAllText(file, "");
        var refused = Assert.Throws<NodeStartException>(() => NodeSettings.Read(Configuration(("Backhaul:DataDirectory", Path.Combine(file, "below")))));
        Assert.Equal(73, refused.ExitCode);
        Assert.Contains(file, refused.Message, StringComparison.Ordinal);
    }

    private IConfigurationRoot Configuration(params (string Key, string Value)[] values)
    {
        var all = new Dictionary<string, string?>(StringComparer.OrdinalIgnoreCase) { ["Backhaul:DataDirectory"] = _directory };
        foreach (var (key, value) in values)
            all[key] = value;
        return new ConfigurationBuilder().AddInMemoryCollection(all).Build();
    }
}
